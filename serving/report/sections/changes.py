"""Who lost most value since the month before, and by which lever."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from serving.report.charts.bars import Bar, BarGroup, draw_bars
from serving.report.charts.svg import at_both_widths
from serving.report.sections.section import LegendEntry, Section, Table, plain_table
from serving.report.wording import Money, count_of, number, percent, strong, unbroken
from valuation.equity import customer_equity

_MOST_ROWS = 12
_NOTE = (
    "Each score looks the whole horizon ahead from its own date. The levers, a longer or shorter "
    "expected stay and more or less margin a month, add up to the change; a customer who left "
    "counts as time. Customers who joined since are not compared."
)
AMOUNTS = ["clv_before", "clv_now", "time_lever", "value_lever"]


@dataclass(frozen=True)
class Movement:
    """Hold the change of all customers scored at both dates, by cause, in major units."""

    n_customers: int
    before: float
    now: float
    time: float
    value: float

    @property
    def change(self) -> float:
        """What changed altogether."""
        return self.now - self.before


def changes_section(changes: pd.DataFrame | None, money: Money) -> Section:
    """Return the section; without a score one month before it is a sentence that says so."""
    heading = "Since the month before"
    complete = None if changes is None else changes.dropna(subset=AMOUNTS)
    if complete is None or complete.empty:
        sentence = "No customer was scored both now and one month before, so nothing is compared."
        return Section("changes", heading, sentence)
    movement = movement_of(complete)
    losers = _losers(complete)
    return Section(
        key="changes",
        heading=heading,
        finding=_finding(movement, losers, money),
        charts=[_chart(movement, money)],
        legend=[LegendEntry("adds value", "gain"), LegendEntry("takes value", "loss")],
        tables=[_table(losers.head(_MOST_ROWS), money)] if len(losers) else [],
        notes=list(_notes(0 if changes is None else len(changes) - len(complete))),
    )


def movement_of(changes: pd.DataFrame) -> Movement:
    """Add up the change of customers, each of whose four amounts is known."""
    before, now, time, value = (customer_equity(changes[name].to_numpy()) for name in AMOUNTS)
    return Movement(len(changes), before, now, time, value)


def _losers(changes: pd.DataFrame) -> pd.DataFrame:
    by_lever = changes["time_lever"] + changes["value_lever"]
    ranked = changes.assign(by_lever=by_lever)
    return ranked[by_lever < 0].sort_values(["by_lever", "customer_id"])


def _finding(movement: Movement, losers: pd.DataFrame, money: Money) -> Markup:
    share = movement.change / movement.before if movement.before > 0 else np.nan
    relative = f", {percent(share)}" if np.isfinite(share) else ""
    went = Markup("{} of a month before went from {} to {} ({}{}). ").format(
        count_of(movement.n_customers, "customer"),
        unbroken(money.total(movement.before)),
        unbroken(money.total(movement.now)),
        strong(money.change(movement.change)),
        relative,
    )
    if losers.empty:
        return went + Markup("Nobody lost value by either lever.")
    n_time = int((losers["time_lever"] <= losers["value_lever"]).sum())
    return went + Markup("{} lost value by a lever, {} of them mostly by the time lever.").format(
        strong(count_of(len(losers), "customer")), number(n_time)
    )


def _notes(n_incomplete: int) -> Iterator[str]:
    yield _NOTE
    if n_incomplete:
        yield f"{count_of(n_incomplete, 'customer')} left out: a lever of theirs is not known."


def _chart(movement: Movement, money: Money) -> Markup:
    amounts = {
        "Time lever: how long they stay": movement.time,
        "Value lever: what they bring a month": movement.value,
    }
    groups = [BarGroup(name, [_bar(amount, money)]) for name, amount in amounts.items()]
    said = "; ".join(f"{name} {money.change(amount)}" for name, amount in amounts.items())
    return at_both_widths(
        lambda width, suffix: draw_bars(
            f"changes-{suffix}", "What changed customer equity", said, groups, width
        )
    )


def _bar(amount: float, money: Money) -> Bar:
    return Bar(amount, money.change(amount), "gain" if amount >= 0 else "loss")


def _table(losers: pd.DataFrame, money: Money) -> Table:
    return plain_table(
        "Who lost most value",
        ("Customer", "CLV before", "CLV now", "Time lever", "Value lever", "Mostly by", "Segment"),
        [list(_row(row, money)) for row in losers.to_dict("records")],
    )


def _row(loser: Mapping[Hashable, Any], money: Money) -> Iterator[str]:
    time, value = float(loser["time_lever"]), float(loser["value_lever"])
    yield str(loser["customer_id"])
    yield money.each(float(loser["clv_before"]))
    yield money.each(float(loser["clv_now"]))
    yield money.each(time)
    yield money.each(value)
    yield "time" if time <= value else "value"
    yield _move(_segment(loser["segment_before"]), _segment(loser["segment"]))


def _segment(segment: object) -> str:
    return segment if isinstance(segment, str) else "lost"


def _move(before: str, now: str) -> str:
    return now if before == now else f"{before} \N{RIGHTWARDS ARROW} {now}"
