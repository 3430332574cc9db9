"""Who was assigned to which arm of a campaign, and what the campaign spent on them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

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


@dataclass(frozen=True)
class Assignments:
    """Hold one entry a customer of a campaign, (n_customers,) each, sorted by customer.

    Who was assigned twice counts by the first time, for ever; `n_moved` were assigned to another
    arm later. `at` are instants in microseconds; `cost` is what contacts and accepted offers of
    the campaign cost, in major units, `n_contacts` how many contacts there were. `control_share`
    is the share of the control group that held when they were assigned, NaN where it is not known.
    """

    campaign: str
    customer_ids: NDArray[np.object_]
    arm: NDArray[np.object_]
    at: Instants
    cost: NDArray[np.float64]
    n_contacts: NDArray[np.int64]
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
        return replace(
            self,
            customer_ids=self.customer_ids[kept],
            arm=self.arm[kept],
            at=self.at[kept],
            cost=self.cost[kept],
            n_contacts=self.n_contacts[kept],
            control_share=self.control_share[kept],
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
    spent: dict[str, float] = defaultdict(float)
    contacts: dict[str, int] = defaultdict(int)
    for customer, kind, label, at, amount in _campaign_events(log, before):
        if kind == "assignment":
            name, _, arm = label.rpartition("/")
            known.add(name or label)
            if name == campaign and first.setdefault(customer, (arm, at))[0] != arm:
                moved.add(customer)
        elif label == campaign:
            spent[customer] += amount or 0.0
            contacts[customer] += kind == "contact"
    if not first:
        raise _unknown(campaign, known)
    ids = sorted(first)
    return Assignments(
        campaign,
        np.array(ids, dtype=object),
        np.array([first[each][0] for each in ids], dtype=object),
        np.array([first[each][1] for each in ids], dtype=np.int64),
        np.array([spent[each] for each in ids], dtype=np.float64),
        np.array([contacts[each] for each in ids], dtype=np.int64),
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
