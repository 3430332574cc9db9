"""What every figure on the page rests on."""

import math
from collections.abc import Iterator
from datetime import datetime

from serving.report.portfolio import Portfolio
from serving.report.wording import UNKNOWN, count_of, day, listed, percent
from training.business import Business
from training.support import OUTSIDE
from valuation.equity import customer_equity
from valuation.lifetime_value import clv_beyond

_OUTSIDE = (
    "tenure, price, activity or an attribute lies outside what training saw: such scores are "
    "extrapolation, and their warnings say by what"
)


def assumptions_of(
    portfolio: Portfolio, as_of: datetime, data_until: datetime
) -> list[tuple[str, str]]:
    """Return names and what is assumed, in reading order."""
    business = portfolio.business
    horizon = count_of(business.horizon_months, "month")
    rate = percent(business.annual_discount_rate)
    return [
        ("As of", f"{day(as_of)}: nothing that became known later is in a figure"),
        ("Data until", day(data_until)),
        ("Model version", _versions(portfolio)),
        ("Contract", _contract(portfolio)),
        ("Horizon", f"{horizon} ahead, {_month(business)}; what comes later is not counted"),
        ("Discount rate", f"{rate} a year, effective, from the middle of each month"),
        ("Revenue", _revenue(business)),
        ("Gross margin", _gross_margin(business)),
        ("Cost to serve", listed(_costs(portfolio)) or "none"),
        ("Extrapolation", _extrapolation(portfolio)),
    ]


def warnings_of(portfolio: Portfolio) -> list[str]:
    """Return the distinct warnings of the scores, with how many customers each is about."""
    counts: dict[str, int] = {}
    for warnings in portfolio.active.get("warnings", []):
        for warning in {_in_general(one): None for one in (() if warnings is None else warnings)}:
            counts[warning] = counts.get(warning, 0) + 1
    return [
        warning if count == portfolio.n_active else f"{warning} ({count_of(count, 'customer')})"
        for warning, count in counts.items()
    ]


def _in_general(warning: str) -> str:
    return _OUTSIDE if warning.startswith(OUTSIDE) else warning


def _versions(portfolio: Portfolio) -> str:
    versions = {*portfolio.active["model_version"], *portfolio.lost["model_version"]}
    return listed(sorted(map(str, versions))) or UNKNOWN


def _contract(portfolio: Portfolio) -> str:
    if portfolio.is_shop:
        return "transactional: customers buy when they like"
    return "subscription: customers stay until they leave"


def _revenue(business: Business) -> str:
    if business.revenue == "payments":
        return "what customers pay, net of refunds"
    extra = listed(f"payments for {label}" for label in business.extra_revenue)
    return "monthly recurring revenue" + (f", and {extra}" if extra else "")


def _month(business: Business) -> str:
    return "calendar months" if business.month == "calendar" else f"{business.month:g} days a month"


def _gross_margin(business: Business) -> str:
    margin = business.gross_margin
    if not isinstance(margin, dict):
        return f"{percent(margin)} of revenue"
    return listed(f"{label} {percent(share)}" for label, share in margin.items())


def _costs(portfolio: Portfolio) -> Iterator[str]:
    for key, cost in portfolio.business.cost_to_serve.items():
        amount = portfolio.money.each(cost)
        yield f"{amount} a month" if key == "per_month" else f"{amount} per {key}"


def _extrapolation(portfolio: Portfolio) -> str:
    horizon, longest = portfolio.business.horizon_months, portfolio.longest_month
    if longest >= horizon:
        return f"none: training saw {count_of(longest, 'month')} ahead"
    return (
        f"{horizon - longest} of {count_of(horizon, 'month')} lie beyond the longest that "
        f"training saw ({longest}){_share_beyond(portfolio)}"
    )


def _share_beyond(portfolio: Portfolio) -> str:
    margin = portfolio.curves("expected_margin")
    equity = customer_equity(portfolio.clv)
    if margin is None or equity <= 0:
        return ""
    rate = portfolio.business.annual_discount_rate
    share = customer_equity(clv_beyond(margin, rate, portfolio.longest_month)) / equity
    return f"; they carry {percent(share)} of customer equity" if math.isfinite(share) else ""
