"""Who members of a programme are compared with: drawn among the customers of their day."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.blocks import Block, block_of
from features.instants import datetime_of
from features.kernel import Moment
from features.log import Log, bucket_of
from features.months import NEVER
from training.bundle import Bundle
from training.experiments.assignments import Assignments
from training.experiments.outcomes import Measure, day_of, without_campaigns
from training.shop_rows import buyers_at

Numbers = NDArray[np.int64]
COMPARED_TO_A_MEMBER = 4
"""More comparison customers than that add hardly any certainty."""
Drawn = Mapping[int, NDArray[np.object_]]
"""Ids of the customers compared, by day."""


class Joining(NamedTuple):
    """Hold everybody in the log, ids sorted, and the day on which they joined, NEVER if not."""

    ids: NDArray[np.object_]
    days: NDArray[np.int64]

    @classmethod
    def of(cls, log: Log, members: Assignments) -> Self:
        """Return who joined when, of all customers that the log knows."""
        paths = [str(path) for path in log.files("events")]
        query = "SELECT DISTINCT customer_id FROM read_parquet($files) ORDER BY customer_id"
        ids = np.array(log.query(query, {"files": paths}).column(0).to_pylist(), dtype=object)
        days = np.full(len(ids), NEVER)
        place = np.searchsorted(ids.astype(str), members.customer_ids.astype(str))
        days[place] = day_of(members.at)
        return cls(ids, days)

    def share_as_member(
        self, customer_ids: NDArray[np.object_], day: int, end: int
    ) -> NDArray[np.float64]:
        """Return which share of the time from a day to an end customers were members, (n,)."""
        place = np.searchsorted(self.ids.astype(str), customer_ids.astype(str))
        joined = np.clip(self.days[place], day, end)
        return np.asarray((end - joined) / (end - day))


def drawn(  # noqa: PLR0913, PLR0917 -- what a draw rests on
    log: Log,
    joining: Joining,
    wanted: Mapping[int, int],
    measure: Measure,
    bundle: Bundle,
    rng: np.random.Generator,
) -> Drawn:
    """Draw customers of each day who had not joined by then: as many as wanted, or all there are.

    Who joins later may be drawn: to leave them out would look ahead. Who is a customer is known
    only from their events, so that rounds are drawn, each larger, until enough of them are.
    """
    nobody = np.zeros(0, dtype=np.int64)
    found = dict.fromkeys(wanted, nobody)
    tried = dict.fromkeys(wanted, nobody)
    ahead = 1
    while asked := {
        day: rng.choice(pool, min(ahead * (n - len(found[day])), len(pool)), replace=False)
        for day, n in wanted.items()
        if n > len(found[day])
        and len(pool := np.setdiff1d(np.flatnonzero(joining.days > day), tried[day]))
    }:
        every = np.unique(np.concatenate(list(asked.values())))
        block = block_of_customers(log, joining.ids[every], measure)
        for day, chosen in asked.items():
            tried[day] = np.concatenate([tried[day], chosen])
            there = chosen[np.isin(joining.ids[chosen], _customers_on(block, day, bundle))]
            found[day] = np.concatenate([found[day], there])[: wanted[day]]
        ahead *= 2
    return {day: joining.ids[np.sort(numbers)] for day, numbers in found.items()}


def _customers_on(block: Block, day: int, bundle: Bundle) -> NDArray[np.object_]:
    moment = Moment(block.history, block.profiles, day, bundle.business, bundle.references)
    return block.history.customer_ids[are_customers(moment)]


def are_customers(moment: Moment) -> NDArray[np.bool_]:
    """Return who is a customer at a moment, shape (n_customers,); in a shop, who has bought."""
    if moment.rules.contract == "subscription":
        return np.asarray(moment.plan.is_open)
    found = np.zeros(moment.history.n_customers, dtype=bool)
    found[buyers_at(moment).customer] = True
    return found


def block_of_customers(log: Log, customer_ids: NDArray[np.object_], measure: Measure) -> Block:
    """Return these customers in one block, as if no campaign had touched them."""
    until = datetime_of(measure.observed_until)
    by_bucket: dict[int, list[str]] = {}
    for customer in customer_ids.tolist():
        by_bucket.setdefault(bucket_of(customer, log.n_buckets), []).append(customer)
    events = [log.read_events(bucket, until, ids) for bucket, ids in sorted(by_bucket.items())]
    customers = log.read_customers(customer_ids.tolist())
    whole = pa.concat_tables(events)
    return without_campaigns(block_of(whole, customers, measure.business, measure.attributes))
