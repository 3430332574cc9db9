"""How CLV is spread over customers, loss-makers and all."""

from collections.abc import Iterator
from math import ceil

import numpy as np
from markupsafe import Markup

from serving.report.charts.histogram import Bins, bins_of, draw_histogram
from serving.report.charts.svg import at_both_widths
from serving.report.portfolio import Portfolio
from serving.report.sections.section import LegendEntry, Section, plain_table
from serving.report.wording import count_of, number, percent, strong, unbroken
from valuation.equity import share_of_top

_SHARES = (0.01, 0.1, 0.2, 0.5)


def distribution_section(portfolio: Portfolio) -> Section:
    """Return the section for a portfolio of at least one active customer."""
    bins, money = bins_of(portfolio.clv), portfolio.money
    median = float(np.median(portfolio.clv))
    return Section(
        key="distribution",
        heading="How value is spread",
        finding=_finding(portfolio),
        charts=[
            at_both_widths(
                lambda width, suffix: draw_histogram(
                    bins, median, money, width, f"distribution-{suffix}"
                )
            )
        ],
        legend=[LegendEntry("worth something", "gain"), LegendEntry("worth less than 0", "loss")],
        tables=[
            plain_table(
                "How concentrated value is",
                ("The most valuable", "Customers", "Share of all positive value"),
                list(_concentration(portfolio)),
            )
        ],
        notes=list(_notes(bins, portfolio)),
    )


def _finding(portfolio: Portfolio) -> Markup:
    clv = portfolio.clv
    share = share_of_top(clv, 0.1)
    top = (
        Markup("The top 10% of customers hold {} of all positive value").format(
            strong(percent(share))
        )
        if np.isfinite(share)
        else Markup("No customer has a positive value")
    )
    losses = clv[clv < 0]
    if not len(losses):
        return top + Markup("; nobody is worth less than nothing.")
    return top + Markup("; {} ({}) {} worth less than nothing, together {}.").format(
        strong(count_of(len(losses), "customer")),
        percent(len(losses) / len(clv)),
        "is" if len(losses) == 1 else "are",
        strong(portfolio.money.total(float(losses.sum()))),
    )


def _concentration(portfolio: Portfolio) -> Iterator[tuple[str, str, str]]:
    for share in _SHARES:
        n_top = ceil(share * portfolio.n_active - 1e-9)
        yield percent(share), number(n_top), percent(share_of_top(portfolio.clv, share))


def _notes(bins: Bins, portfolio: Portfolio) -> Iterator[Markup]:
    each = portfolio.money.each
    sentence = Markup("The {} bar holds {} {} {} too; the {} valuable is worth {}.")
    if bins.n_above:
        edge, most = unbroken(each(bins.edges[-1])), unbroken(each(portfolio.clv.max()))
        many = count_of(bins.n_above, "customer")
        yield sentence.format("last", many, "above", edge, "most", most)
    if bins.n_below:
        edge, least = unbroken(each(bins.edges[0])), unbroken(each(portfolio.clv.min()))
        many = count_of(bins.n_below, "customer")
        yield sentence.format("first", many, "below", edge, "least", least)
