"""What counts as which happening: events of a kind, with a label, purchases, moves of the plan.

Every derivation sees only the visible events it is given, so that the previous purchase is the
previous visible one, whatever arrives late.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from features.contract import KIND_CODES, KINDS
from features.history import MISSING, QUANTITY_SCALE, History
from features.months import MINUTE, Instants
from features.plan_moves import PlanMoves, is_move, which_are
from features.program import Listing
from features.references import References

Rows = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.int32)


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
    """Return the repeat purchases, and the whole minutes since the purchase before each."""
    rows, _ = purchases(history)
    customer, occurred = history.customer[rows], history.occurred[rows]
    repeats = np.flatnonzero(customer[1:] == customer[:-1]) + 1
    return rows[repeats], (occurred[repeats] - occurred[repeats - 1]) // MINUTE


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
    {kind.name for kind in KINDS if kind.is_money}
    | {"purchase", "repeat_purchase", "failure_recovered"}
)
_MINUTES_A_DAY = 24 * 60


def scale_of(happening: str, minor_units: int, usage_scale: Mapping[str, int]) -> int:
    """Return how many of its integers make a unit: of money, of a quantity, or a day.

    Raises
    ------
    ValueError
        For usage without a metric: amounts of different metrics have no unit in common.
    """
    if happening == "purchase_gap":
        return _MINUTES_A_DAY
    kind, _, label = happening.partition(":")
    if kind == "usage":
        if not label:
            raise ValueError('"usage" mixes metrics; name one, as in "usage:minutes".')
        return usage_scale.get(label, QUANTITY_SCALE)
    is_money = is_move(happening) or kind in _OF_MONEY
    return minor_units if is_money else QUANTITY_SCALE


@dataclass
class Happenings:
    """Find the rows of happenings among the events and moves of customers, each once.

    Rows count the events of the history first and then the moves: `customer`, `at` and `label`
    have an entry for each of either. Within a customer, the rows of a happening rise in time.
    """

    history: History
    moves: PlanMoves
    references: References
    _found: dict[str, tuple[Rows, Rows]] = field(default_factory=dict)
    _labels_found: dict[str, NDArray[np.int32]] = field(default_factory=dict)

    @cached_property
    def customer(self) -> NDArray[np.int64]:
        """Index of each row's customer."""
        return _behind(self.history.customer, self.moves.customer)

    @cached_property
    def at(self) -> Instants:
        """When each happened: events when they occurred, moves when they came into force."""
        return _behind(self.history.occurred, self.moves.at)

    @cached_property
    def label(self) -> NDArray[np.int32]:
        """Label code of each row, -1 where it has none."""
        return _behind(self.history.label, self.moves.label_now)

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
        if is_move(name):
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

    def _moved(self, name: str) -> tuple[Rows, Rows]:
        found = which_are(name, self.moves, self.references, self.history.labels)
        return len(self.history.occurred) + found, self.moves.size[found]


def _behind(of_events: NDArray[Number], of_moves: NDArray[Number]) -> NDArray[Number]:
    return np.concatenate([of_events, of_moves]) if len(of_moves) else of_events
