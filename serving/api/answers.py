"""What the service says, as types: answers are built from them, so the OpenAPI document is true."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from serving.api.problems import ProblemError
from serving.delivery.trigger_events import TriggerEvent
from serving.store.erasing import Removal


class ExplainedValue(Struct, kw_only=True):
    """CLV shared out: `baseline` plus all `contributions` is `clv`.

    `baseline` is the CLV of a typical customer of the same plan (of the one before, after a move
    in the last 90 days), in a shop of the same purchase frequency; `contributions` are by group
    of signals, in major units of `currency`.
    """

    baseline: float
    contributions: dict[str, float]


class ScoreRow(Struct, forbid_unknown_fields=True, kw_only=True):
    """The contract's `scores` for one customer; whatever is null is named in `warnings`.

    Money in major units of `currency`, unrounded. `survival` and `expected_margin` have one
    number a month of the horizon. Naive formulas depend on the contract. `explanation` and
    `reasons` are there where `explain` was asked for and the customer is not lost.
    """

    customer_id: str
    as_of: str
    status: Literal["active", "lost"]
    segment: str | None
    model_version: str
    churn_1m: float | None
    churn_3m: float | None
    churn_6m: float | None
    churn_12m: float | None
    churn_3m_voluntary: float | None
    churn_3m_involuntary: float | None
    churn_3m_other: float | None
    clv: float
    clv_median: float | None
    clv_low: float | None
    clv_high: float | None
    clv_sd: float | None
    naive_value_x_months: float | UnsetType = UNSET
    naive_margin_over_churn: float | UnsetType = UNSET
    naive_basket_x_frequency_x_lifetime: float | UnsetType = UNSET
    naive_trailing_rule: float | UnsetType = UNSET
    payback_month: int | None
    value_at_stake: float | None
    referral_value: float | None
    survival: list[float] | None
    expected_margin: list[float]
    reasons: list[str] | None
    explanation: ExplainedValue | UnsetType = UNSET
    warnings: list[str]


class ScoreAnswer(Struct, kw_only=True):
    """Scores in the order asked."""

    as_of: str
    model_version: str
    currency: str
    scores: list[ScoreRow]


class Difference(Struct, kw_only=True):
    """After less before. `time` and `value` add up to `clv`; shops may split `value` further."""

    clv: float
    time: float
    value: float
    frequency: float | None
    basket: float | None
    churn_1m: float | None
    churn_3m: float | None
    churn_6m: float | None
    churn_12m: float | None
    churn_3m_voluntary: float | None
    churn_3m_involuntary: float | None
    churn_3m_other: float | None


class WhatIfAnswer(Struct, kw_only=True):
    """Both scores, and the difference by lever; whatever is null is named in `warnings`.

    `by_signal_group` shares the difference of CLV out among groups of signals: they add up to it.
    """

    as_of: str
    model_version: str
    currency: str
    before: ScoreRow
    after: ScoreRow
    difference: Difference
    by_signal_group: dict[str, float] | None
    warnings: list[str]
    note: str


class EventResult(Struct, kw_only=True, omit_defaults=True):
    """What became of one posted event; `id` is null where none could be read.

    `accepted` is durable; `duplicate` was so before and says the same; `conflict` bears a known id
    with other content and was not taken; `rejected` is not of the contract, as `errors` say;
    `erased` is of a customer who was erased, and was not taken.
    """

    id: str | None
    status: Literal["accepted", "duplicate", "conflict", "rejected", "erased"]
    errors: list[ProblemError] = []


class CausedTrigger(Struct, kw_only=True):
    """A campaign should contact a customer, not before an instant; money in major units.

    `number` rises in the order in which triggers became visible.
    """

    number: int
    decision_id: str
    campaign: str
    customer_id: str
    offer: str
    expected_profit: float
    made_at: str
    not_before: str


class EventsAnswer(Struct, kw_only=True):
    """How many events were taken, what became of each, in the order given, and what they caused.

    `triggers` are those of campaigns that wait for such events, also where the event is a
    duplicate that caused them before; null where no campaign could be asked just now: sending the
    same events again has them judged.
    """

    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    erased: int
    results: list[EventResult]
    triggers: list[CausedTrigger] | None = []


class TriggersAnswer(Struct, kw_only=True):
    """A page of the feed: ask again with `after` set to `next_after`; nothing is missed."""

    triggers: list[TriggerEvent]
    next_after: int
    has_more: bool


class CampaignStatus(Struct, forbid_unknown_fields=True, kw_only=True):
    """How a campaign stands; money in major units of `currency`.

    `contacts` and `expected_profit` are of all decisions so far; what is `reserved` counts against
    the budgets. `sample_ratio_mismatch` says that the arms are not as large as promised.
    """

    campaign: str
    offer: str
    on: list[str]
    live: bool
    contacts: int
    expected_profit: float
    reserved_today: float
    reserved_this_month: float
    daily_budget: float | None
    monthly_budget: float | None
    control_share: float
    assigned: int
    in_control: int
    control_promised: float
    sample_ratio_p_value: float | None
    sample_ratio_mismatch: bool


class GlobalControl(Struct, forbid_unknown_fields=True, kw_only=True):
    """How the control group of all campaigns together stands."""

    control_share: float
    assigned: int
    in_control: int
    control_promised: float
    sample_ratio_p_value: float | None
    sample_ratio_mismatch: bool


class CampaignsAnswer(Struct, kw_only=True):
    """All campaigns of the configuration, and whom all of them together let be."""

    currency: str
    campaigns: list[CampaignStatus]
    global_control: GlobalControl


class CampaignAnswer(Struct, kw_only=True):
    """One campaign: its rules as configured, how it stands, and what it was measured to bring.

    `measured` is what `keepworth campaigns report` found last; null, with a warning, before.
    """

    currency: str
    rules: dict[str, Any]
    status: CampaignStatus
    measured: dict[str, Any] | None
    warnings: list[str]


class OpenSubscription(Struct, kw_only=True):
    """A subscription that is open at `as_of`, as it was known then.

    Prices are a month, in major units of `currency`; `list_mrr` is the price before discount.
    `since` is when it began, `on_these_terms_since` when its plan, price and term last did.
    `changes_at` is when a change that is booked takes effect, `ends_at` when it ends as booked.
    """

    subscription_id: str | None
    plan: str | None
    mrr: float
    list_mrr: float
    term_months: int | None
    since: str
    on_these_terms_since: str
    changes_at: str | None
    ends_at: str | None


class CustomerHistory(Struct, kw_only=True):
    """What was known of a customer's past at `as_of`.

    `events_by_kind` has the kinds that occurred. `tenure_months` are whole months since the
    relationship began, in a shop since the first payment; null where it is over or never began.
    """

    events: int
    first_event_at: str | None
    last_event_at: str | None
    events_by_kind: dict[str, int]
    tenure_months: int | None
    mrr: float
    open_subscriptions: list[OpenSubscription]


class CustomerProfile(Struct, kw_only=True):
    """The customer's row of the customers table; `attributes` are its further columns."""

    acquired_at: str | None
    acquisition_channel: str | None
    acquisition_cost: float | None
    referred_by: str | None
    time_zone: str | None
    consent: bool | None
    attributes: dict[str, str | float | bool | None]


class CustomerAnswer(Struct, kw_only=True):
    """A customer as of now: the past in brief, and the score that /v1/score would give.

    `profile` is null where the customers table does not list the customer, `score` where nothing
    had happened yet; `warnings` say so.
    """

    customer_id: str
    as_of: str
    model_version: str
    currency: str
    profile: CustomerProfile | None
    history: CustomerHistory
    score: ScoreRow | None
    warnings: list[str]


class ErasureReceipt(Removal, frozen=True, kw_only=True):
    """What was erased of a customer; nothing here says who it was.

    `subject` is a salted digest of the id, as the record of acts keeps it. Counts are of rows:
    `events` of the log, `posted_events` of the live store and `decisions` of campaigns there,
    `profiles` of the customers table, `mentions` of others who named the customer,
    `quarantined_rows`, `output_rows` of scores and backtests. `removed_files` named the customer
    and can be made again. `models` are versions that saw the customer in training; they hold no
    row of anybody. `is_store_swept` is false where a reader, such as a backup, kept the files of
    the live store from being overwritten; the next drain does it. `elsewhere` is left to you.
    """

    subject: str
    elsewhere: str


class ModelAnswer(Struct, kw_only=True):
    """The version that serves, what it was trained on, and its newest backtest.

    `degraded` is true when a newer version could not be loaded and the last good one answers.
    `longest_month` is the longest month ahead whose outcomes training saw.
    """

    version: str
    contract: Literal["subscription", "transactional"]
    currency: str
    trained_until: str
    observed_from: str
    n_customers: int
    data_fingerprint: str
    longest_month: int
    horizon_months: int
    annual_discount_rate: float
    n_signals: int
    backtest: dict[str, Any] | None
    degraded: bool
    warnings: list[str]


class Health(Struct):
    """That the process lives."""

    status: Literal["alive"]


class Readiness(Struct):
    """That the service can answer; `degraded` where with its last good model version."""

    status: Literal["ready"]
    degraded: bool
