"""Moves between plans and prices, each at the instant it takes effect.

A move lies between two stretches of one subscription's timeline: what was booked and never came
into force is none, and a discount's end that was booked long ago happens when it ends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.months import Instants
from features.references import References
from features.timeline import Timeline

_NONE = np.zeros(0, np.int64)
_NO_LABELS = np.zeros(0, np.int32)
Flags = NDArray[np.bool_]
Minor = NDArray[np.int64]


@dataclass(frozen=True)
class PlanMoves:
    """Hold stretches that follow another of their subscription, beside what they are held against.

    That is the stretch before, or the one before the pause. Sorted by customer and `at`, when the
    later one came into force; `list_before`, `list_now`, `paid_before`, `paid_now` are minor units
    a month; `label_before` and `label_now` are label codes.
    """

    customer: NDArray[np.int64]
    at: Instants
    label_before: NDArray[np.int32]
    label_now: NDArray[np.int32]
    list_before: Minor
    list_now: Minor
    paid_before: Minor
    paid_now: Minor
    is_pause: Flags

    @cached_property
    def is_to_other_plan(self) -> Flags:
        """Whether each leads to another plan: both have to be known."""
        is_named = (self.label_before >= 0) & (self.label_now >= 0)
        return is_named & (self.label_now != self.label_before) & ~self.is_pause

    @cached_property
    def size(self) -> Minor:
        """Change of list price of each, in minor units."""
        return np.abs(self.list_now - self.list_before)

    def until(self, instant: int) -> "PlanMoves":
        """Return those in force by an instant."""
        in_force = self.at <= instant
        return self if in_force.all() else self._kept(np.flatnonzero(in_force))

    def span(self, first: int, last: int) -> "PlanMoves":
        """Return those of customers first to last - 1, numbered from 0."""
        begin, end = np.searchsorted(self.customer, (first, last))
        some = self._kept(slice(begin, end))
        return replace(some, customer=some.customer - first)

    def _kept(self, kept: NDArray[np.int64] | slice) -> "PlanMoves":
        return PlanMoves(*(getattr(self, field.name)[kept] for field in fields(self)))


NO_MOVES = PlanMoves(
    customer=_NONE,
    at=_NONE,
    label_before=_NO_LABELS,
    label_now=_NO_LABELS,
    list_before=_NONE,
    list_now=_NONE,
    paid_before=_NONE,
    paid_now=_NONE,
    is_pause=np.zeros(0, np.bool_),
)


def plan_moves(timeline: Timeline) -> PlanMoves:
    """Return where a plan or its price may have changed, booked changes included.

    A subscription that is begun anew by `subscribe` did not move.
    """
    intervals = timeline.intervals
    label, unpaused = intervals.label, intervals.unpaused
    is_pause = unpaused != np.arange(len(unpaused))
    goes_on_paused = is_pause.copy()
    goes_on_paused[1:] &= is_pause[:-1]
    now = np.flatnonzero(~intervals.begins & ~goes_on_paused)
    now = now[np.lexsort((intervals.row[now], intervals.start[now], intervals.customer[now]))]
    before = unpaused[now - 1]
    return PlanMoves(
        customer=intervals.customer[now],
        at=intervals.start[now],
        label_before=label[before],
        label_now=label[now],
        list_before=intervals.list_mrr[before],
        list_now=intervals.list_mrr[now],
        paid_before=intervals.mrr[before],
        paid_now=intervals.mrr[now],
        is_pause=is_pause[now],
    )


def _downgrades(moves: PlanMoves) -> Flags:
    return moves.is_to_other_plan & (moves.list_now < moves.list_before)


def _upgrades(moves: PlanMoves) -> Flags:
    return moves.is_to_other_plan & (moves.list_now > moves.list_before)


def _price_rises(moves: PlanMoves) -> Flags:
    return ~moves.is_to_other_plan & (moves.list_now > moves.list_before) & (moves.list_before > 0)


def _price_cuts(moves: PlanMoves) -> Flags:
    return ~moves.is_to_other_plan & (moves.list_now < moves.list_before) & (moves.list_now > 0)


def _repricings(moves: PlanMoves) -> Flags:
    return _price_rises(moves) | _price_cuts(moves)


def _pauses(moves: PlanMoves) -> Flags:
    return moves.is_pause & (moves.list_before > 0)


def _discounts_begun(moves: PlanMoves) -> Flags:
    return (moves.paid_now < moves.list_now) & (moves.paid_before >= moves.list_before)


def _discounts_ended(moves: PlanMoves) -> Flags:
    is_full = (moves.paid_now >= moves.list_now) & ~moves.is_pause
    return is_full & (moves.paid_before < moves.list_before)


MOVES: Mapping[str, Callable[[PlanMoves], Flags]] = {
    "downgrade": _downgrades,
    "upgrade": _upgrades,
    "repricing": _repricings,
    "price_rise": _price_rises,
    "price_cut": _price_cuts,
    "pause": _pauses,
    "discount_begun": _discounts_begun,
    "discount_ended": _discounts_ended,
}
"""Moves between plans or prices; the value of one is the change of list price in minor units.

There is one more, `downgrade_to_floor`: a downgrade to the cheapest plan on the ladder in force at
as_of, or to one that the ladder does not have and whose list price is not above it.
"""
_FLOOR = "downgrade_to_floor"


def is_move(happening: str) -> bool:
    """Return whether a happening is a move."""
    return happening in MOVES or happening == _FLOOR


def which_are(
    happening: str, moves: PlanMoves, references: References, labels: Sequence[str | None]
) -> NDArray[np.int64]:
    """Return the places of the moves that a happening names, rising; `labels` are by code."""
    if not len(moves.at):
        return _NONE
    if happening != _FLOOR:
        return np.flatnonzero(MOVES[happening](moves))
    ladder, floor = references.ladder, references.floor
    if floor is None:
        return _NONE
    down = np.flatnonzero(_downgrades(moves))
    pairs = zip(moves.label_now[down].tolist(), moves.list_now[down].tolist(), strict=True)
    is_floor = [ladder.get(str(labels[code]), price) <= floor for code, price in pairs]
    return down[np.array(is_floor, dtype=bool)]
