"""What GET /v1/portfolio says, and `keepworth score` keeps in `portfolio.json`, as types."""

from msgspec import Struct


class SegmentEquity(Struct, kw_only=True):
    """What the customers of one segment, such as `top/low`, are worth; the lost are in none.

    `churn_3m` is their mean, `value_at_stake` their sum; null in a shop.
    """

    segment: str
    customers: int
    customer_equity: float
    mean_clv: float
    churn_3m: float
    value_at_stake: float | None


class CohortEquity(Struct, kw_only=True):
    """What those who began in one calendar month (UTC) are worth, and how many are lost.

    They began at `acquired_at`, where that is unknown with their first event.
    """

    cohort: str
    customers: int
    lost: int
    customer_equity: float
    mean_clv: float | None


class MonthChange(Struct, kw_only=True):
    """How the customers of a month before changed in value, as the report has it.

    What they were worth, plus `time` (a longer or shorter stay, the lost included), plus `value`
    (more or less margin a month) is what they are worth, to rounding.
    """

    customers: int
    customer_equity_before: float
    customer_equity_now: float
    time: float
    value: float


class RunChange(Struct, kw_only=True):
    """From the scores before to these: what they were worth, plus the changes, is what they are.

    `stayed_change` is of those who were customers at both, `left_equity` what those were worth
    who are lost or gone by now, `joined_equity` what the new ones are worth.
    """

    as_of: str
    model_version: str
    customer_equity: float
    stayed: int
    stayed_change: float
    left: int
    left_equity: float
    joined: int
    joined_equity: float


class PortfolioAnswer(Struct, kw_only=True):
    """What all customers were worth when `keepworth score` last valued them.

    Money in major units of `currency`. Whatever is null is named in `warnings`. `lost` customers
    are worth nothing; `loss_makers` are worth `loss` together. `equity_beyond_longest_month` lies
    beyond the longest month ahead that training saw.
    """

    as_of: str
    scored_at: str
    model_version: str
    currency: str
    horizon_months: int
    annual_discount_rate: float
    customers: int
    lost: int
    customer_equity: float
    customer_equity_low: float | None
    customer_equity_high: float | None
    mean_clv: float
    loss_makers: int
    loss: float
    outside_training: int
    longest_month: int
    equity_beyond_longest_month: float
    segments: list[SegmentEquity] | None
    cohorts: list[CohortEquity] | None
    since_month_before: MonthChange | None
    since_last_scores: RunChange | None
    warnings: list[str]
