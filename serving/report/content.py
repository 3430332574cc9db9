"""What goes into the report, and the page that comes out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from serving.report.page import rendered
from serving.report.portfolio import Portfolio, portfolio_of
from serving.report.sections.assumptions import assumptions_of, warnings_of
from serving.report.sections.backtest import backtest_section
from serving.report.sections.changes import changes_section
from serving.report.sections.channels import channels_section
from serving.report.sections.distribution import distribution_section
from serving.report.sections.headline import headline_of
from serving.report.sections.reasons import reasons_section
from serving.report.sections.risk import risk_section
from serving.report.sections.section import Section
from serving.report.sections.segments import segments_section
from serving.report.wording import day
from training.business import Business


@dataclass(frozen=True)
class ReportInput:
    """Hold all that the report is made of; money in major units of the business's currency.

    `scores` has the columns of the contract's `scores`, lists as lists; a null is a null.
    `changes`, one row a customer of one month before, has `customer_id`, `clv_before`, `clv_now`,
    `time_lever` and `value_lever` (they add up to the change), `segment_before` and `segment`
    (None for those who left); None where there is no earlier score. `customers` has
    `customer_id`, `acquisition_channel` and `acquisition_cost`, and may be empty. `backtest` is
    the `metrics` of the newest `metrics.json`. `longest_month` is how many months ahead training
    saw. `equity_interval` are the ends of the 80% interval of customer equity, None where there
    is none to rely on.
    """

    business: Business
    scores: pd.DataFrame
    changes: pd.DataFrame | None
    customers: pd.DataFrame
    backtest: Sequence[Mapping[str, Any]] | None
    longest_month: int
    data_until: datetime
    title: str
    equity_interval: tuple[float, float] | None = None


def render_report(content: ReportInput) -> str:
    """Return the page: one HTML document that asks nothing of the network."""
    portfolio = portfolio_of(content.scores, content.business, content.longest_month)
    as_of = _as_of(content)
    return rendered(
        "report.html.j2",
        title=content.title,
        as_of=day(as_of),
        headline=headline_of(portfolio, content.equity_interval),
        sections=list(_sections(content, portfolio)),
        assumptions=assumptions_of(portfolio, as_of, content.data_until),
        warnings=warnings_of(portfolio),
        is_shop=portfolio.is_shop,
    )


def _sections(content: ReportInput, portfolio: Portfolio) -> Iterator[Section]:
    if portfolio.n_active:
        yield distribution_section(portfolio)
        yield risk_section(portfolio)
        if reasons := reasons_section(portfolio):
            yield reasons
        yield segments_section(portfolio)
        yield channels_section(portfolio, content.customers)
    yield changes_section(content.changes, portfolio.money)
    yield backtest_section(content.backtest, portfolio)


def _as_of(content: ReportInput) -> datetime:
    if content.scores.empty:
        return content.data_until
    instant = pd.Timestamp(content.scores["as_of"].iloc[0])
    return (instant if instant.tzinfo else instant.tz_localize("UTC")).to_pydatetime()
