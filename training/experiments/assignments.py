"""Who was assigned to which arm of a campaign, and what the campaign spent on them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.contract import CAMPAIGN_KINDS
from features.log import Log
from features.mistakes import Mistake, NotFoundError
from features.months import Instants

CONTROL, TREATED, MEMBER = "control", "treated", "member"
"""What a campaign does itself; outcomes and the models that value them do not see these kinds."""


class Spent(NamedTuple):
    """Hold what a campaign spent, (n_customers,) each: cost in major units, number of contacts."""

    cost: NDArray[np.float64]
    n_contacts: NDArray[np.int64]


class Spending(NamedTuple):
    """Hold one entry a contact or accepted offer, (n,) each; `row` numbers whose it is.

    `at` are instants in microseconds, `amount` what it cost in major units.
    """

    row: NDArray[np.int64]
    at: Instants
    amount: NDArray[np.float64]
    is_contact: NDArray[np.bool_]

    @classmethod
    def of(cls, events: Sequence[tuple[int, int, float, bool]]) -> "Spending":
        """Return these rows, instants, amounts, and whether each was a contact."""
        row, at, amount, is_contact = zip(*events, strict=True) if events else ((), (), (), ())
        return cls(
            np.array(row, dtype=np.int64),
            np.array(at, dtype=np.int64),
            np.array(amount, dtype=np.float64),
            np.array(is_contact, dtype=bool),
        )


@dataclass(frozen=True)
class Assignments:
    """Hold one entry a customer of a campaign, (n_customers,) each, sorted by customer.

    Who was assigned twice counts by the first time, for ever; `n_moved` were assigned to another
    arm later. `at` are instants in microseconds; `spending` is of all times. `control_share`
    is the share of the control group that held when they were assigned, NaN where it is not known.
    """

    campaign: str
    customer_ids: NDArray[np.object_]
    arm: NDArray[np.object_]
    at: Instants
    spending: Spending
    control_share: NDArray[np.float64]
    n_moved: int = 0

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms but `control`, sorted."""
        return tuple(sorted(set(self.arm.tolist()) - {CONTROL}))

    @property
    def is_randomised(self) -> bool:
        """Whether there is a control group to compare with."""
        return CONTROL in self.arm

    def only(self, kept: NDArray[np.bool_]) -> "Assignments":
        """Return the assignments that are kept."""
        row, at, amount, is_contact = self.spending
        theirs = kept[row]
        renumbered = (np.cumsum(kept) - 1)[row[theirs]]
        return replace(
            self,
            customer_ids=self.customer_ids[kept],
            arm=self.arm[kept],
            at=self.at[kept],
            spending=Spending(renumbered, at[theirs], amount[theirs], is_contact[theirs]),
            control_share=self.control_share[kept],
        )

    def spent(self, since: Instants, until: Instants) -> Spent:
        """Return what was spent on each customer from one instant to before another, (n,) each."""
        row, at, amount, is_contact = self.spending
        counts = (at >= since[row]) & (at < until[row])
        n = len(self.at)
        return Spent(
            np.bincount(row[counts], weights=amount[counts], minlength=n).astype(np.float64),
            np.bincount(row[counts & is_contact], minlength=n).astype(np.int64),
        )

    def promised(self, shares: Mapping[str, float], elsewhere: float | None) -> "Assignments":
        """Return the same with control shares by customer; `elsewhere` is that of all others."""
        other = np.nan if elsewhere is None else elsewhere
        known = [shares.get(each, other) for each in self.customer_ids]
        return replace(self, control_share=np.array(known, dtype=np.float64))


def assignments_of(log: Log, campaign: str, before: datetime) -> Assignments:
    """Return the assignments of a campaign that were visible before an instant.

    Raises
    ------
    NotFoundError
        If there are none; the campaigns that have some are named.
    """
    first: dict[str, tuple[str, int]] = {}
    moved: set[str] = set()
    known: set[str] = set()
    spent: list[tuple[str, tuple[int, float, bool]]] = []
    for customer, kind, label, at, amount in _campaign_events(log, before):
        if kind == "assignment":
            name, _, arm = label.rpartition("/")
            known.add(name or label)
            if name == campaign and first.setdefault(customer, (arm, at))[0] != arm:
                moved.add(customer)
        elif label == campaign:
            spent.append((customer, (at, amount or 0.0, kind == "contact")))
    if not first:
        raise _unknown(campaign, known)
    ids = sorted(first)
    rows = {customer: row for row, customer in enumerate(ids)}
    return Assignments(
        campaign,
        np.array(ids, dtype=object),
        np.array([first[each][0] for each in ids], dtype=object),
        np.array([first[each][1] for each in ids], dtype=np.int64),
        Spending.of([(rows[spender], *each) for spender, each in spent if spender in rows]),
        np.full(len(ids), np.nan),
        len(moved),
    )


def _campaign_events(
    log: Log, before: datetime
) -> Iterator[tuple[str, str, str, int, float | None]]:
    """Yield customer, kind, label, instant and amount, a customer's in the order of time."""
    names = ("customer_id", "kind", "label", "occurred_at", "amount")
    for bucket in range(log.n_buckets):
        events = log.read_events(bucket, before, kinds=CAMPAIGN_KINDS).select(names)
        events = events.filter(pc.is_valid(events.column("label")))
        place = names.index("occurred_at")
        micros = events.column("occurred_at").cast(pa.int64())
        columns = events.set_column(place, "occurred_at", micros).to_pydict()
        yield from zip(*(columns[name] for name in names), strict=True)


def _unknown(campaign: str, known: set[str]) -> NotFoundError:
    if not known:
        expected = "expected `assignment` events with the label `campaign/arm` in the log"
        mistake = Mistake("NAME", repr(campaign), expected)
        return NotFoundError("nobody was assigned to any campaign", [mistake])
    mistake = Mistake("NAME", repr(campaign), f"expected one of {', '.join(sorted(known))}")
    return NotFoundError("nobody was assigned to this campaign", [mistake])
