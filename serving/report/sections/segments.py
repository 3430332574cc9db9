"""How long each segment is expected to stay, and what it is worth."""

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from serving.report.charts.curves import Curve, draw_curves
from serving.report.portfolio import BANDS, TIERS, Portfolio, Values, in_order
from serving.report.sections.section import Cell, Section, Table
from serving.report.wording import count_of, listed_parts, number, percent, strong
from valuation.equity import GroupEquity, equity_by_group

_SHOP_MONTHS = (1, 3, 6, 12)
_YEAR = 12
_MISSING = "This model version gives no survival curves."


def segments_section(portfolio: Portfolio) -> Section:
    """Return the section for a portfolio of at least one active customer.

    A shop's customers have no survival: their curves are P(no purchase in months 1..h).
    """
    curves = _curves(portfolio)
    return Section(
        key="segments",
        heading="Purchases by segment" if portfolio.is_shop else "Survival by segment",
        finding=_finding(portfolio, *curves) if curves else _MISSING,
        charts=list(_panels(portfolio, *curves)) if curves else [],
        tables=[_table(portfolio)],
        notes=list(_notes(portfolio, float(curves[0][-1]))) if curves else [],
    )


def _curves(portfolio: Portfolio) -> tuple[Values, Values] | None:
    """Return months ahead (n_points,) and shares (n_active, n_points), from month 0 on."""
    if portfolio.is_shop:
        months = np.array([0.0, *_SHOP_MONTHS])
        later = np.column_stack([portfolio.numbers(f"churn_{month}m") for month in _SHOP_MONTHS])
    elif portfolio.survival is not None:
        later = portfolio.survival
        months = np.arange(later.shape[1] + 1, dtype=np.float64)
    else:
        return None
    return months, np.hstack([np.ones((len(later), 1)), later])


def _finding(portfolio: Portfolio, months: Values, shares: Values) -> Markup:
    point = int(np.searchsorted(months, min(_YEAR, months[-1])))
    said = [
        Markup("{} of {}").format(
            strong(percent(float(shares[portfolio.bands == band, point].mean()))), _people(band)
        )
        for band in in_order(portfolio.bands, BANDS)
    ]
    within = count_of(int(months[point]), "month")
    if portfolio.is_shop:
        return Markup("Within {} we expect no purchase from {}.").format(within, listed_parts(said))
    return Markup("After {} we expect still to have {}.").format(within, listed_parts(said))


def _people(band: str) -> str:
    return f"the customers at {band} risk" if band in BANDS else "the customers"


def _panels(portfolio: Portfolio, months: Values, shares: Values) -> Iterator[Markup]:
    longest = portfolio.longest_month
    for index, tier in enumerate(in_order(portfolio.tiers, TIERS)):
        inside = portfolio.tiers == tier
        curves = [
            Curve(
                band or "all",
                f"risk-{band}" if band in BANDS else "risk-all",
                months.tolist(),
                shares[inside & (portfolio.bands == band)].mean(axis=0).tolist(),
            )
            for band in in_order(portfolio.bands[inside], BANDS)
        ]
        heading = f"Value tier {tier}: {count_of(int(inside.sum()), 'customer')}"
        svg = draw_curves(f"segments-{index}", heading, curves, longest)
        yield Markup('<figure class="panel"><figcaption>{}</figcaption>{}</figure>').format(
            heading, svg
        )


def _table(portfolio: Portfolio) -> Table:
    names = [_name(tier, band) for tier, band in zip(portfolio.tiers, portfolio.bands, strict=True)]
    equity = {group.group: group for group in equity_by_group(portfolio.clv, names)}
    groups = []
    for tier in in_order(portfolio.tiers, TIERS):
        bands = in_order(portfolio.bands[portfolio.tiers == tier], BANDS)
        rows = [_row(portfolio, tier, band, equity[_name(tier, band)]) for band in bands]
        groups.append((f"Value tier {tier}", rows))
    churn = f"{portfolio.risk_months}-month churn"
    columns = ("Risk", "Customers", "Customer equity", "Mean CLV", churn)
    return Table("Segments by value tier and risk", (*columns, "Value at stake"), groups)


def _row(portfolio: Portfolio, tier: str, band: str, equity: GroupEquity) -> list[Cell]:
    inside = (portfolio.tiers == tier) & (portfolio.bands == band)
    at_stake = portfolio.numbers("value_at_stake")[inside]
    known = at_stake[np.isfinite(at_stake)]
    money = portfolio.money
    return [
        Cell(band or "all"),
        Cell(number(equity.n_customers)),
        Cell(money.total(equity.customer_equity)),
        Cell(money.each(equity.mean_clv)),
        Cell(percent(float(portfolio.churn[inside].mean()))),
        Cell(money.total(float(known.sum()) if len(known) else np.nan)),
    ]


def _name(tier: str, band: str) -> str:
    return f"{tier}/{band}"


def _notes(portfolio: Portfolio, last_month: float) -> Iterator[str]:
    if portfolio.is_shop:
        yield (
            "Each line is the share of customers expected to have bought nothing yet by that "
            "month, by band of risk; the lower, the better."
        )
    else:
        yield "Each line is the share expected still to be customers, by band of risk."
    if portfolio.longest_month < last_month:
        yield (
            f"Shaded: beyond month {portfolio.longest_month}, the longest that training saw, "
            "curves are extrapolated."
        )
