"""Why the customers whom it would cost most to lose are worth what they are."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from serving.report.portfolio import Portfolio
from serving.report.sections.section import Section, Table, plain_table
from serving.report.wording import count_of, percent, strong

_MOST_ROWS = 20
_NOTE = (
    "Each reason says what is known of the customer, beside what is usual on the same plan, and "
    "what its group of signals adds to CLV or takes from it. They tell what the forecast rests "
    "on; they are no promise of what an offer would do."
)
_SHOP_NOTE = _NOTE.replace("on the same plan", "at the same number of purchases")


def reasons_section(portfolio: Portfolio) -> Section | None:
    """Return the section; None where no customer was explained."""
    told = portfolio.active[portfolio.active["reasons"].map(_is_told)]
    if told.empty:
        return None
    by = "clv" if portfolio.is_shop else "value_at_stake"
    told = told.sort_values([by, "customer_id"], ascending=[False, True])
    return Section(
        key="reasons",
        heading="Who is worth most, and why" if portfolio.is_shop else "Whom to keep, and why",
        finding=_finding(portfolio, len(told), float(told[by].sum())),
        tables=[_table(portfolio, told.head(_MOST_ROWS).to_dict("records"))],
        notes=[_SHOP_NOTE if portfolio.is_shop else _NOTE],
    )


def _is_told(reasons: object) -> bool:
    return isinstance(reasons, list | tuple | np.ndarray)


def _finding(portfolio: Portfolio, n_told: int, total: float) -> Markup:
    people = strong(count_of(n_told, "customer"))
    amount = portfolio.money.total(total)
    if portfolio.is_shop:
        return Markup("The {} of highest CLV hold {} of it.").format(people, strong(amount))
    return Markup(
        "The {} with most value at stake, of those who have not given notice: it is {} together."
    ).format(people, strong(amount))


def _table(portfolio: Portfolio, rows: list[dict[Any, Any]]) -> Table:
    stake = () if portfolio.is_shop else ("Value at stake",)
    within = count_of(portfolio.risk_months, "month")
    leaving = f"Nothing bought in {within}" if portfolio.is_shop else f"Leaves in {within}"
    return plain_table(
        "The largest contributions to the CLV of each",
        ("Customer", *stake, "CLV", leaving, "Segment", "Why"),
        [list(_row(portfolio, row)) for row in rows],
    )


def _row(portfolio: Portfolio, row: Mapping[Any, Any]) -> Iterator[str]:
    yield str(row["customer_id"])
    if not portfolio.is_shop:
        yield portfolio.money.each(float(row["value_at_stake"]))
    yield portfolio.money.each(float(row["clv"]))
    yield percent(float(row[f"churn_{portfolio.risk_months}m"]))
    yield str(row["segment"])
    yield Markup("<br>").join(row["reasons"])
