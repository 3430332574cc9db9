"""Which events count as what: kinds, kinds with a label, and moves derived from plan events.

Every derivation sees only the visible events it is given, so that the previous price is the
previous visible price, whatever arrives late.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.contract import KIND_CODES, KINDS, PLAN_KINDS
from features.history import MISSING, QUANTITY_SCALE, History
from features.months import HOUR
from features.program import Listing
from features.references import References

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class PlanMoves:
    """Hold each plan event beside the one in force before it in the same subscription.

    `row` rises; `list_before`, `list_now`, `paid_before`, `paid_now` are minor units;
    `label_before` and `label_now` are label codes.
    """

    row: Rows
    label_before: NDArray[np.int32]
    label_now: NDArray[np.int32]
    list_before: NDArray[np.int64]
    list_now: NDArray[np.int64]
    paid_before: NDArray[np.int64]
    paid_now: NDArray[np.int64]

    @cached_property
    def keep_plan(self) -> NDArray[np.bool_]:
        """Whether each stays with its plan."""
        return self.label_now == self.label_before

    @cached_property
    def size(self) -> NDArray[np.int64]:
        """Change of list price of each, in minor units."""
        return np.abs(self.list_now - self.list_before)


def plan_moves(history: History) -> PlanMoves:
    """Return the plan changes and renewals that follow another plan event, with both prices.

    One follows another in the order of taking effect: a change booked for later comes after
    one asked for later that acts at once.
    """
    rows = history.of_kind(*PLAN_KINDS)
    effective, subscription = history.effective[rows], history.subscription[rows]
    rows = rows[np.lexsort((rows, effective, subscription, history.customer[rows]))]
    customer, subscription = history.customer[rows], history.subscription[rows]
    follows = (customer[1:] == customer[:-1]) & (subscription[1:] == subscription[:-1])
    follows &= history.kind[rows[1:]] != KIND_CODES["subscribe"]
    before, now = rows[:-1][follows], rows[1:][follows]
    order = np.argsort(now, kind="stable")
    before, now = before[order], now[order]
    paid_before, paid_now = history.value[before], history.value[now]
    list_before, list_now = history.list_value[before], history.list_value[now]
    return PlanMoves(
        row=now,
        label_before=history.label[before],
        label_now=history.label[now],
        list_before=np.where(list_before == MISSING, paid_before, list_before),
        list_now=np.where(list_now == MISSING, paid_now, list_now),
        paid_before=paid_before,
        paid_now=paid_now,
    )


def _downgrades(moves: PlanMoves) -> NDArray[np.bool_]:
    return ~moves.keep_plan & (moves.list_now < moves.list_before)


def _upgrades(moves: PlanMoves) -> NDArray[np.bool_]:
    return ~moves.keep_plan & (moves.list_now > moves.list_before)


def _price_rises(moves: PlanMoves) -> NDArray[np.bool_]:
    return moves.keep_plan & (moves.list_now > moves.list_before) & (moves.list_before > 0)


def _price_cuts(moves: PlanMoves) -> NDArray[np.bool_]:
    return moves.keep_plan & (moves.list_now < moves.list_before) & (moves.list_now > 0)


def _repricings(moves: PlanMoves) -> NDArray[np.bool_]:
    return _price_rises(moves) | _price_cuts(moves)


def _pauses(moves: PlanMoves) -> NDArray[np.bool_]:
    return moves.keep_plan & (moves.list_now == 0) & (moves.list_before > 0)


def _discounts_begun(moves: PlanMoves) -> NDArray[np.bool_]:
    return (moves.paid_now < moves.list_now) & (moves.paid_before >= moves.list_before)


def _discounts_ended(moves: PlanMoves) -> NDArray[np.bool_]:
    return (moves.paid_now >= moves.list_now) & (moves.paid_before < moves.list_before)


MOVES: Mapping[str, Callable[[PlanMoves], NDArray[np.bool_]]] = {
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

There is one more, `downgrade_to_floor`: a downgrade whose new list price is not above the
cheapest plan on the ladder in force at as_of.
"""


def purchases(history: History) -> tuple[Rows, NDArray[np.int64]]:
    """Return the first row of each purchase, and its value in minor units.

    The payment lines that share a basket are one purchase; a line without a basket is its own.
    """
    rows = history.of_kind("payment")
    basket = history.basket[rows]
    own = np.flatnonzero(basket == 0)
    values = np.maximum(history.value[rows], 0)
    shared = np.flatnonzero(basket)
    _, first, member = np.unique(basket[shared], return_index=True, return_inverse=True)
    totals = np.bincount(member, values[shared], len(first)).astype(np.int64)
    found = np.concatenate([rows[own], rows[shared[first]]])
    amounts = np.concatenate([values[own], totals])
    order = np.argsort(found, kind="stable")
    return found[order], amounts[order]


def repeat_purchases(history: History) -> tuple[Rows, NDArray[np.int64]]:
    """Return the purchases after each customer's first, as `purchases` does."""
    rows, amounts = purchases(history)
    customer = history.customer[rows]
    repeats = np.flatnonzero(customer[1:] == customer[:-1]) + 1
    return rows[repeats], amounts[repeats]


def purchase_gaps(history: History) -> tuple[Rows, NDArray[np.int64]]:
    """Return the repeat purchases, and the whole hours since the purchase before each."""
    rows, _ = purchases(history)
    customer, occurred = history.customer[rows], history.occurred[rows]
    repeats = np.flatnonzero(customer[1:] == customer[:-1]) + 1
    return rows[repeats], (occurred[repeats] - occurred[repeats - 1]) // HOUR


def recovered_failures(history: History) -> tuple[Rows, NDArray[np.int64]]:
    """Return the failed payments directly followed by one that succeeded, and their amounts."""
    rows = history.of_kind("payment", "payment_failed")
    customer = history.customer[rows]
    failed = history.kind[rows] == KIND_CODES["payment_failed"]
    good = (customer[1:] == customer[:-1]) & failed[:-1] & ~failed[1:]
    found = rows[:-1][good]
    return found, history.value[found]


_DERIVED: Mapping[str, Callable[[History], tuple[Rows, Rows]]] = {
    "purchase": purchases,
    "repeat_purchase": repeat_purchases,
    "purchase_gap": purchase_gaps,
    "failure_recovered": recovered_failures,
}
_OF_MONEY = frozenset(
    {*(kind.name for kind in KINDS if kind.is_money), *MOVES, "downgrade_to_floor"}
    | {"purchase", "repeat_purchase", "failure_recovered"}
)
_HOURS_A_DAY = 24


def scale_of(happening: str, minor_units: int) -> int:
    """Return how many of its integers make a unit: of money, of a quantity, or a day."""
    if happening == "purchase_gap":
        return _HOURS_A_DAY
    return minor_units if happening.partition(":")[0] in _OF_MONEY else QUANTITY_SCALE


@dataclass
class Happenings:
    """Find the rows of happenings among the events of a history, each once."""

    history: History
    references: References
    _found: dict[str, tuple[Rows, Rows]] = field(default_factory=dict)
    _labels_found: dict[str, NDArray[np.int32]] = field(default_factory=dict)

    def found(self, name: str) -> tuple[Rows, Rows]:
        """Return the rows of a happening, rising, and their values; MISSING where null."""
        if name not in self._found:
            self._found[name] = self._computed(name)
        return self._found[name]

    def listed(self, listing: Listing) -> tuple[Rows, Rows]:
        """Return the rows of a listing, rising, and their values."""
        rows, values = self.found(listing.happening)
        if not listing.with_value:
            return rows, values
        known = values != MISSING
        return rows[known], values[known]

    def _computed(self, name: str) -> tuple[Rows, Rows]:
        if name in _DERIVED:
            return _DERIVED[name](self.history)
        if name in MOVES or name == "downgrade_to_floor":
            return self._moved(name)
        kind, _, label = name.partition(":")
        if not label:
            rows = self.history.of_kind(kind)
            return rows, self.history.value[rows]
        rows, values = self.found(kind)
        bears_it = np.flatnonzero(self._labels(kind) == self.history.label_code(label))
        return rows[bears_it], values[bears_it]

    def _labels(self, kind: str) -> NDArray[np.int32]:
        if kind not in self._labels_found:
            self._labels_found[kind] = self.history.label[self.found(kind)[0]]
        return self._labels_found[kind]

    @cached_property
    def _moves(self) -> PlanMoves:
        return plan_moves(self.history)

    def _moved(self, name: str) -> tuple[Rows, Rows]:
        moves = self._moves
        if not len(moves.row):
            return moves.row, moves.row
        if name == "downgrade_to_floor":
            floor = self.references.floor
            limit = -1 if floor is None else floor
            is_one = MOVES["downgrade"](moves) & (moves.list_now <= limit)
        else:
            is_one = MOVES[name](moves)
        found = np.flatnonzero(is_one)
        return moves.row[found], moves.size[found]
