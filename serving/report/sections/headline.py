"""What comes first: customer equity, and four figures that put it in proportion."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from serving.report.portfolio import Portfolio
from serving.report.wording import count_of, number, percent, strong, unbroken
from training.exit_kinds import KINDS
from valuation.equity import customer_equity


@dataclass(frozen=True)
class Fact:
    """Hold one figure with its name and what it means."""

    name: str
    figure: str
    note: str


@dataclass(frozen=True)
class Headline:
    """Hold the equity, the sentence below it and the facts beside it."""

    equity: str
    sentence: Markup
    facts: tuple[Fact, ...]


def headline_of(portfolio: Portfolio, interval: tuple[float, float] | None = None) -> Headline:
    """Return the headline; a portfolio of nobody has no facts."""
    equity = customer_equity(portfolio.clv)
    facts = tuple(_facts(portfolio)) if portfolio.n_active else ()
    sentence = _sentence(portfolio) + _range(portfolio, interval)
    return Headline(portfolio.money.total(equity), sentence, facts)


def _range(portfolio: Portfolio, interval: tuple[float, float] | None) -> Markup:
    if not portfolio.n_active:
        return Markup("")
    if interval is None:
        return Markup(
            " How far the total may be off cannot be said: history is too short, or earlier "
            "forecasts of it erred too differently."
        )
    low, high = (unbroken(portfolio.money.total(end)) for end in interval)
    return Markup(
        " Going by how earlier forecasts of the total erred, it comes out between {} and {} with "
        "a probability of 80%."
    ).format(low, high)


def _sentence(portfolio: Portfolio) -> Markup:
    lost = f"; {count_of(len(portfolio.lost), 'lost customer')} not counted"
    lost = lost if len(portfolio.lost) else ""
    if not portfolio.n_active:
        return Markup("There is no active customer to value{}.").format(lost)
    return Markup(
        "is what {} {} expected to bring in contribution margin over the next {}, "
        "in today\N{RIGHT SINGLE QUOTATION MARK}s money{}."
    ).format(
        strong(count_of(portfolio.n_active, "active customer")),
        "is" if portfolio.n_active == 1 else "are",
        count_of(portfolio.business.horizon_months, "month"),
        lost,
    )


def _facts(portfolio: Portfolio) -> Iterator[Fact]:
    money, clv = portfolio.money, portfolio.clv
    losses = clv[clv < 0]
    expected = float(portfolio.churn.sum())
    yield Fact("Mean CLV", money.each(clv.mean()), f"median {money.each(float(np.median(clv)))}")
    yield Fact(
        "Worth less than nothing",
        number(len(losses)),
        Markup("{} of customers, together {}").format(
            percent(len(losses) / len(clv)), unbroken(money.total(float(losses.sum())))
        ),
    )
    yield Fact(
        f"Expected to {portfolio.leaving}",
        number(expected),
        f"{percent(expected / len(clv))} of customers{_by_kind(portfolio)}",
    )
    at_stake = portfolio.numbers("value_at_stake")
    if np.isfinite(at_stake).any():
        yield Fact(
            "Value at stake",
            money.total(float(np.nansum(at_stake))),
            "what it would add if nobody could leave for three months",
        )


def _by_kind(portfolio: Portfolio) -> str:
    """Return how many leave by kind of exit, in words; nothing where that is not known."""
    kinds = {kind: portfolio.numbers(f"churn_3m_{kind}") for kind in KINDS}
    if not all(np.isfinite(expected).all() for expected in kinds.values()):
        return ""
    totals = {kind: float(expected.sum()) for kind, expected in kinds.items()}
    said = ", ".join(f"{number(total)} {kind}" for kind, total in totals.items() if total > 0)
    return f"; by kind of exit: {said}"
