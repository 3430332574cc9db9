"""Population references counted from the log: what customers paid, plan by plan, at an instant.

Counts of blocks add up, so that no engine holds more than one block. Only what was visible before
the instant counts, and nothing that fewer than `FEWEST` share: a reference points at nobody.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.blocks import Block
from features.contract import PLAN_KINDS
from features.history import history_from_events
from features.instants import datetime_of, instant_of
from features.log import Log
from features.months import month_numbers
from features.plan_standing import PlanStanding
from features.profiles import profiles_of
from features.references import NO_REFERENCES, References
from features.rules import CustomerRules
from features.slices import Slice, slices
from features.timeline import timeline_of
from features.workers import worked

Group = TypeVar("Group")

FEWEST = 20
"""A price that fewer share is no reference: it would point at people."""
KINDS_COUNTED = (*PLAN_KINDS, "cancel", "cancel_withdrawn")
"""What the references of a population are made from; other kinds need not be read."""


@dataclass(frozen=True)
class PopulationCounts:
    """Count open subscriptions and their customers at an instant; counts of blocks add up.

    `plans` counts open subscriptions by (plan, list price), `cohorts` customers by (month the
    relationship began, since 1970-01; MRR before discount); prices are minor units a month.
    """

    plans: Counter[tuple[str, int]] = field(default_factory=Counter)
    cohorts: Counter[tuple[int, int]] = field(default_factory=Counter)

    def __add__(self, other: "PopulationCounts") -> "PopulationCounts":
        """Return the counts of both together."""
        return PopulationCounts(self.plans + other.plans, self.cohorts + other.cohorts)


def references_of(
    log: Log, rules: CustomerRules, instants: Sequence[int], workers: int = 1
) -> tuple[References, ...]:
    """Return the references of each instant (microseconds), in one pass over the plan events."""
    if rules.contract == "transactional" or not instants:
        return tuple(NO_REFERENCES for _ in instants)
    counted = [PopulationCounts() for _ in instants]
    for found in worked(_SliceCounts(log, rules, tuple(instants)), slices(log), workers):
        counted = [counts + more for counts, more in zip(counted, found, strict=True)]
    plans = log.read_plans()
    return tuple(
        references_from(counts, plans, rules, as_of)
        for counts, as_of in zip(counted, instants, strict=True)
    )


@dataclass(frozen=True)
class _SliceCounts:
    """Count the population of a slice at each instant."""

    log: Log
    rules: CustomerRules
    instants: tuple[int, ...]

    def __call__(self, part: Slice) -> list[PopulationCounts]:
        before, between = datetime_of(max(self.instants)), (part.first, part.last)
        events = self.log.read_events(part.bucket, before, between=between, kinds=KINDS_COUNTED)
        history = history_from_events(
            events, self.rules.minor_units, usage_scale=self.rules.usage_scale
        )
        ids = list(history.customer_ids)
        block = Block(history, profiles_of(self.log.read_customers(ids, part.bucket), ids, []))
        return [population_counts(block, self.rules, as_of) for as_of in self.instants]


def population_counts(block: Block, rules: CustomerRules, as_of: int) -> PopulationCounts:
    """Count what a block's customers held and paid at an instant, as it was believed then.

    Whoever is paused counts at the list price before the pause.
    """
    history = block.history.visible_before(as_of)
    timeline = timeline_of(history, rules)
    plan = PlanStanding(history, timeline, block.profiles, as_of, rules, NO_REFERENCES)
    found = plan.open_intervals[plan.label[plan.open_intervals] >= 0]
    prices = _counted(plan.label[found], timeline.intervals.usual_list_mrr[found])
    there = np.flatnonzero(plan.is_open)
    return PopulationCounts(
        Counter({(history.labels[label], price): n for (label, price), n in prices.items()}),
        _counted(month_numbers(plan.began[there]), plan.usual_listed[there]),
    )


def _counted(group: NDArray[np.integer], price: NDArray[np.int64]) -> Counter[tuple[int, int]]:
    order = np.lexsort((price, group))
    group, price = group[order], price[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (group[1:] != group[:-1]) | (price[1:] != price[:-1])
    first = np.flatnonzero(is_new)
    counts = np.diff(np.append(first, len(order)))
    pairs = zip(group[first].tolist(), price[first].tolist(), strict=True)
    return Counter(dict(zip(pairs, counts.tolist(), strict=True)))


def references_from(
    counts: PopulationCounts, plans: pa.Table, rules: CustomerRules, as_of: int
) -> References:
    """Return the references that a whole population's counts and the plans table make.

    The ladder is what the plans table asked at the instant; where it names no plan by then, the
    median list price of each plan that at least `FEWEST` open subscriptions bear. A median of an
    even number is the lower of the two in the middle: a price that somebody pays.
    """
    in_force = plans_in_force(plans, as_of)
    ladder = {plan: round(row["list_amount"] * rules.minor_units) for plan, row in in_force.items()}
    cohorts = _medians(counts.cohorts)
    everybody: Counter[tuple[None, int]] = Counter()
    for (_, price), n in counts.cohorts.items():
        everybody[None, price] += n
    return References(
        ladder=ladder or _medians(counts.plans),
        allowances={
            plan: row["allowance"] for plan, row in in_force.items() if row["allowance"] is not None
        },
        cohort_prices={str(np.datetime64(month, "M")): cohorts[month] for month in sorted(cohorts)},
        typical_price=_medians(everybody).get(None),
    )


def plans_in_force(plans: pa.Table, as_of: int) -> dict[str, Mapping[str, Any]]:
    """Return the latest row of each plan that was valid before an instant; null is always."""
    found: dict[str, tuple[float, Mapping[str, Any]]] = {}
    for row in plans.to_pylist():
        since = -np.inf if row["valid_from"] is None else instant_of(row["valid_from"])
        if since < as_of and (row["plan"] not in found or since >= found[row["plan"]][0]):
            found[row["plan"]] = since, row
    return {plan: row for plan, (_, row) in found.items()}


def _medians(counts: Mapping[tuple[Group, int], int]) -> dict[Group, int]:
    """Return the lower median price of each group that is large enough."""
    prices: dict[Group, dict[int, int]] = {}
    for (group, price), n in counts.items():
        prices.setdefault(group, {})[price] = n
    return {
        group: _lower_median(of_group)
        for group, of_group in prices.items()
        if sum(of_group.values()) >= FEWEST
    }


def _lower_median(counts: Mapping[int, int]) -> int:
    values = np.array(sorted(counts), dtype=np.int64)
    reached = np.cumsum([counts[value] for value in values.tolist()])
    return int(values[np.searchsorted(reached, (reached[-1] + 1) // 2)])
