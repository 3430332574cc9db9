"""A programme that nobody randomised: members against customers like them on the same day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.blocks import Block, block_of
from features.catalogue import signal_matrix
from features.instants import datetime_of
from features.kernel import Moment
from features.log import Log, bucket_of
from features.mistakes import InputRefusedError, Mistake
from features.months import NEVER
from training.bundle import Bundle
from training.experiments.assignments import MEMBER, Assignments
from training.experiments.outcomes import (
    Measure,
    Outcomes,
    customers_of,
    day_of,
    outcomes_since,
    stacked,
    without_campaigns,
)
from training.experiments.programme_models import fitted_expectation, fitted_propensity
from valuation.doubly_robust import (
    Balance,
    Compared,
    MembersEffect,
    Overlap,
    balance_of,
    effect_on_members,
    overlap_of,
    weights_of,
)

Values = NDArray[np.float64]
COMPARED_TO_A_MEMBER = 4
"""More comparison customers than that add hardly any certainty."""
FEWEST_MEMBERS = 100
_EXPECTED = ("expected_to_stay", "expected_margin", "expected_clv")
LIKELIEST = 0.95
"""Members likelier to join than that have nobody to be compared with, and are left out."""


@dataclass(frozen=True)
class Frame:
    """Hold members and comparison customers as of their day, one row each.

    `covariates` (n, n_covariates) are signals and what the frozen model expected; `names` are
    theirs, `customer` (n,) numbers whose row it is.
    """

    is_member: NDArray[np.bool_]
    customer: NDArray[np.int64]
    covariates: Values
    names: tuple[str, ...]
    outcomes: Outcomes


@dataclass(frozen=True)
class ProgrammeMeasurement:
    """Hold what members did differently, by outcome, and how far that can be trusted.

    `n_members` joined, `n_followed` of them were customers that day whose window is over, and
    `n_compared` of these have customers like them.
    """

    assignments: Assignments
    measure: Measure
    n_members: int
    n_followed: int
    n_compared: int
    effects: Mapping[str, MembersEffect]
    names: tuple[str, ...]
    balance: Balance
    overlap: Overlap


def measured_programme(
    log: Log, assignments: Assignments, measure: Measure, bundle: Bundle, seed: int
) -> ProgrammeMeasurement:
    """Return the effect on members, doubly robust and cross-fitted.

    Raises
    ------
    InputRefusedError
        If fewer than 100 members can be followed to the end of their window.
    """
    members = assignments.only((assignments.arm == MEMBER) & measure.is_over(assignments.at))
    frame = frame_of(log, members, measure, bundle, np.random.default_rng(seed))
    n_followed = int(frame.is_member.sum())
    if n_followed < FEWEST_MEMBERS:
        raise _too_few(n_followed, measure.months)
    propensity = fitted_propensity(frame.covariates, frame.is_member, frame.customer, seed)
    kept = propensity <= LIKELIEST
    overlap = overlap_of(frame.is_member, propensity)
    near = _only(frame, kept)
    share = propensity[kept]
    weight = weights_of(near.is_member, share)
    return ProgrammeMeasurement(
        assignments,
        measure,
        int((assignments.arm == MEMBER).sum()),
        n_followed,
        int(near.is_member.sum()),
        dict(_effects(near, share, measure, seed)),
        frame.names,
        balance_of(near.covariates, near.is_member, weight),
        overlap,
    )


def frame_of(
    log: Log, members: Assignments, measure: Measure, bundle: Bundle, rng: np.random.Generator
) -> Frame:
    """Return members on their day of joining, and customers drawn among those not joined by then.

    Who joins later may be drawn: to leave them out would look ahead. Both must be customers on
    that day.
    """
    days = day_of(members.at)
    drawn = dict(_drawn(log, members, days, rng))
    every = np.concatenate([members.customer_ids, *drawn.values()])
    block = _block(log, np.unique(every.astype(str)), measure)
    numbers = {customer: number for number, customer in enumerate(block.history.customer_ids)}
    parts = []
    for day, ids in drawn.items():
        joined = _of(numbers, members.customer_ids[days == day])
        parts.append(_on_day(block, _Day(day, joined, _of(numbers, ids)), measure, bundle))
    n_signals = len(bundle.model.signals)
    return Frame(
        np.concatenate([np.zeros(0, dtype=bool), *(part.is_member for part in parts)]),
        np.concatenate([np.zeros(0, dtype=np.int64), *(part.customer for part in parts)]),
        np.concatenate([np.zeros((0, n_signals + 3)), *(part.covariates for part in parts)]),
        (*(signal.name for signal in bundle.model.signals), *_EXPECTED),
        stacked([part.outcomes for part in parts], measure.n_months),
    )


class _Day(NamedTuple):
    """Hold who joined on a day and who is compared with them, as numbers in the block."""

    day: int
    joined: NDArray[np.int64]
    compared: NDArray[np.int64]


def _drawn(
    log: Log, members: Assignments, days: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[tuple[int, NDArray[np.object_]]]:
    """Yield the days of joining with the customers to be compared."""
    paths = [str(path) for path in log.files("events")]
    query = "SELECT DISTINCT customer_id FROM read_parquet($files) ORDER BY customer_id"
    ids = np.array(log.query(query, {"files": paths}).column(0).to_pylist(), dtype=object)
    joined = np.full(len(ids), NEVER)
    joined[np.searchsorted(ids.astype(str), members.customer_ids.astype(str))] = days
    for day in np.unique(days):
        pool = np.flatnonzero(joined > day)
        wanted = COMPARED_TO_A_MEMBER * int((days == day).sum())
        chosen = rng.choice(pool, min(wanted, len(pool)), replace=False)
        yield int(day), ids[np.sort(chosen)]


def _block(log: Log, customer_ids: NDArray[np.str_], measure: Measure) -> Block:
    """Return these customers in one block, as if no campaign had touched them."""
    until = datetime_of(measure.observed_until)
    by_bucket: dict[int, list[str]] = {}
    for customer in customer_ids.tolist():
        by_bucket.setdefault(bucket_of(customer, log.n_buckets), []).append(customer)
    events = [log.read_events(bucket, until, ids) for bucket, ids in sorted(by_bucket.items())]
    customers = log.read_customers(customer_ids.tolist())
    whole = pa.concat_tables(events)
    return without_campaigns(block_of(whole, customers, measure.business, measure.attributes))


def _of(numbers: Mapping[str, int], ids: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.array(sorted(numbers[each] for each in ids if each in numbers), dtype=np.int64)


def _on_day(block: Block, day: _Day, measure: Measure, bundle: Bundle) -> Frame:
    chosen = np.union1d(day.joined, day.compared)
    part = customers_of(block, chosen)
    moment = Moment(part.history, part.profiles, day.day, bundle.business, bundle.references)
    there = bundle.model.forecast(moment, bundle.business, 1).is_customer
    outcomes = outcomes_since(part, day.day, measure).only(there)
    expected = (outcomes.stayed_before, outcomes.margin_before, outcomes.value_before)
    signals = signal_matrix(moment, bundle.model.signals)[there]
    is_member = np.isin(chosen, day.joined)[there]
    return Frame(is_member, chosen[there], np.column_stack([signals, *expected]), (), outcomes)


def _only(frame: Frame, kept: NDArray[np.bool_]) -> Frame:
    return Frame(
        frame.is_member[kept],
        frame.customer[kept],
        frame.covariates[kept],
        frame.names,
        frame.outcomes.only(kept),
    )


def _effects(
    frame: Frame, propensity: Values, measure: Measure, seed: int
) -> Iterator[tuple[str, MembersEffect]]:
    outcomes = frame.outcomes
    found = {
        "retention": outcomes.stayed,
        "margin": outcomes.margin,
        "clv": outcomes.value(measure.business.annual_discount_rate),
    }
    for name, outcome in found.items():
        expected = fitted_expectation(
            frame.covariates, outcome, frame.is_member, frame.customer, seed
        )
        rows = Compared(outcome, frame.is_member, propensity, expected, frame.customer)
        yield name, effect_on_members(rows)


def _too_few(n_followed: int, months: int) -> InputRefusedError:
    expected = (
        f"at least {FEWEST_MEMBERS} are needed; wait until windows of {months} months are over"
    )
    mistake = Mistake("members followed to the end", str(n_followed), expected)
    return InputRefusedError("too few members to compare", [mistake])
