"""Churn against value: where the customers are whom it would hurt most to lose."""

from markupsafe import Markup

from serving.report.charts.hexagons import SHADES, draw_risk_and_value, is_counted
from serving.report.charts.svg import at_both_widths
from serving.report.portfolio import Portfolio
from serving.report.sections.section import LegendEntry, Section
from serving.report.wording import count_of, percent, strong, unbroken
from valuation.equity import customer_equity


def risk_section(portfolio: Portfolio) -> Section:
    """Return the section for a portfolio of at least one active customer."""
    legend = [
        LegendEntry("few customers", "shade-0"),
        LegendEntry("the most crowded place", f"shade-{SHADES - 1}"),
    ]
    return Section(
        key="risk",
        heading="Churn against value",
        finding=_finding(portfolio),
        charts=[
            at_both_widths(
                lambda width, suffix: draw_risk_and_value(portfolio, width, f"risk-{suffix}")
            )
        ],
        legend=legend if is_counted(portfolio) else (),
        notes=[
            "Customers beyond the outermost percent are drawn at the edge.",
            "Bands of risk are thirds of three-month churn, cut when the model was trained.",
        ],
    )


def _finding(portfolio: Portfolio) -> Markup:
    at_risk = portfolio.bands == "high"
    if not at_risk.any():
        return Markup("Nobody is in the band of high risk.")
    money, clv = portfolio.money, portfolio.clv
    dear = at_risk & ((portfolio.tiers == "top") | (portfolio.tiers == "high"))
    everybody = Markup("{} ({}) {} at high risk, with {} of CLV; ").format(
        strong(count_of(int(at_risk.sum()), "customer")),
        percent(at_risk.mean()),
        "is" if at_risk.sum() == 1 else "are",
        unbroken(money.total(customer_equity(clv[at_risk]))),
    )
    if not dear.any():
        return everybody + Markup("none of them in the top or high value tier.")
    return everybody + Markup("{} of them {} in the top or high value tier, worth {}.").format(
        strong(f"{dear.sum():,}"),
        "is" if dear.sum() == 1 else "are",
        strong(money.total(customer_equity(clv[dear]))),
    )
