"""What a promotion changed, for people: customer equity and the top customers, by cause."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from markupsafe import Markup

from features.instants import datetime_of
from serving.report.charts.bars import Bar, BarGroup, draw_bars
from serving.report.charts.svg import at_both_widths
from serving.report.page import rendered
from serving.report.sections.section import LegendEntry, Section, plain_table
from serving.report.wording import Money, day, percent, strong, unbroken
from training.bundle import Bundle
from training.value_moves import ValueMoves

_MOST_ROWS = 10
_NOTE = (
    "New data: the version before, asked about the customers of today in place of those of its "
    "own day; who came, who left, and what everybody did since. New model: the new version, asked "
    "about the same customers of today."
)


def promotion_page(moves: ValueMoves, champion: Bundle, challenger: Bundle, title: str) -> str:
    """Return the page on a promotion, of the challenger in place of the champion."""
    money = Money(challenger.business.currency)
    return rendered(
        "page.html.j2",
        title=title,
        as_of=day(datetime_of(challenger.cutoff)),
        heading=f"What model version {challenger.version} changes",
        lead=_lead(moves, champion, money),
        sections=[
            *([_equity_section(moves, money)] if moves.has_same_rules else []),
            _top_section(moves, money),
        ],
    )


def _lead(moves: ValueMoves, champion: Bundle, money: Money) -> Markup:
    if not moves.has_same_rules:
        return Markup(
            "Customer equity is {}. [business] has changed since version {} was trained: what "
            "moved by that, by new data and by the new model cannot be told apart."
        ).format(strong(money.total(moves.equity_now)), champion.version)
    text = Markup(
        "Version {} saw data until {} and put customer equity at {}. It is now {}: {} by new data, "
        "{} by the new model."
    )
    return text.format(
        champion.version,
        day(datetime_of(champion.cutoff)),
        unbroken(money.total(moves.equity_before)),
        strong(money.total(moves.equity_now)),
        unbroken(money.change(moves.by_new_data)),
        unbroken(money.change(moves.by_new_model)),
    )


def _equity_section(moves: ValueMoves, money: Money) -> Section:
    amounts = {"New data": moves.by_new_data, "New model": moves.by_new_model}
    groups = [BarGroup(name, [_bar(amount, money)]) for name, amount in amounts.items()]
    said = "; ".join(f"{name} {money.change(amount)}" for name, amount in amounts.items())
    chart = at_both_widths(
        lambda width, suffix: draw_bars(
            f"moved-{suffix}", "What moved customer equity", said, groups, width
        )
    )
    return Section(
        key="equity",
        heading="Customer equity",
        finding=said,
        charts=[chart],
        legend=[LegendEntry("adds value", "gain"), LegendEntry("takes value", "loss")],
        notes=[_NOTE, *_steadiness(moves)],
    )


def _steadiness(moves: ValueMoves) -> Iterator[str]:
    median = moves.median_move()
    if median is not None:
        yield (
            f"{len(moves.unchanged()):,} customers have done nothing but pay and use since. The "
            f"new model moves their CLV by {percent(median)} at the median."
        )


def _top_section(moves: ValueMoves, money: Money) -> Section:
    top = moves.top(_MOST_ROWS).to_dict("records")
    columns: tuple[str, ...] = ("Customer", "CLV then", "By new data", "By new model", "CLV now")
    rows = [list(_row(row, money)) for row in top]
    finding = f"The {len(rows)} customers worth most"
    if moves.has_same_rules:
        finding += ", and why their CLV is another than it was"
    else:
        columns, rows = (columns[0], columns[-1]), [[row[0], row[-1]] for row in rows]
    table = plain_table("Customers of highest CLV now", columns, rows)
    return Section(key="top", heading="Top customers", finding=f"{finding}.", tables=[table])


def _row(row: Mapping[Hashable, Any], money: Money) -> Iterator[str]:
    before, data, now = (float(row[k]) for k in ("before", "with_new_data", "with_new_model"))
    yield str(row["customer_id"])
    yield money.each(before)
    yield money.change(data - before)
    yield money.change(now - data)
    yield money.each(now)


def _bar(amount: float, money: Money) -> Bar:
    return Bar(amount, money.change(amount), "gain" if amount >= 0 else "loss")
