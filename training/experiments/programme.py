"""A programme that nobody randomised: members against customers like them on the same day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.catalogue import signal_matrix
from features.kernel import Moment
from features.log import Log
from features.mistakes import InputRefusedError, Mistake
from training.bundle import Bundle
from training.experiments.assignments import MEMBER, Assignments
from training.experiments.comparison import (
    COMPARED_TO_A_MEMBER,
    Joining,
    are_customers,
    block_of_customers,
    drawn,
)
from training.experiments.outcomes import (
    Measure,
    Outcomes,
    customers_of,
    day_of,
    outcomes_since,
    stacked,
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
FEWEST = 100
"""Fewer members, or customers compared with them, tell nothing."""
FEWEST_ALIKE = 30
"""Fewer of either group who might as well be of the other, and nothing can be compared."""
_EXPECTED = ("expected_to_stay", "expected_margin", "expected_clv")
LIKELIEST = 0.95
"""Members likelier to join than that have nobody to be compared with, and are left out."""


@dataclass(frozen=True)
class Frame:
    """Hold members and comparison customers as of their day, one row each.

    `covariates` (n, n_covariates) are signals and what the frozen model expected; `names` are
    theirs, `customer` (n,) numbers whose row it is. `as_member` (n,) is the share of the window in
    which the customer was a member: 1 for members, more than 0 for others who joined in it.
    """

    is_member: NDArray[np.bool_]
    customer: NDArray[np.int64]
    covariates: Values
    as_member: Values
    names: tuple[str, ...]
    outcomes: Outcomes


@dataclass(frozen=True)
class ProgrammeMeasurement:
    """Hold what members did differently, by outcome, and how far that can be trusted.

    `n_members` joined, `n_followed` of them were customers that day whose window is over, and
    `n_compared` of these have customers like them. `n_joined_later` of the comparison customers
    joined within the window; weighted, they all were members for `as_member` of it.
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
    n_joined_later: int
    as_member: float


def measured_programme(
    log: Log, assignments: Assignments, measure: Measure, bundle: Bundle, seed: int
) -> ProgrammeMeasurement:
    """Return the effect on members, doubly robust and cross-fitted.

    Raises
    ------
    InputRefusedError
        If fewer than 100 members can be followed to the end of their window, or fewer than 100
        customers are there to compare them with, or none who are like them.
    """
    members = assignments.only(assignments.arm == MEMBER)
    frame = frame_of(log, members, measure, bundle, np.random.default_rng(seed))
    n_followed = int(frame.is_member.sum())
    _require_enough(n_followed, len(frame.is_member) - n_followed, measure.months)
    propensity = fitted_propensity(frame.covariates, frame.is_member, frame.customer, seed)
    kept = propensity <= LIKELIEST
    _require_alike(kept, frame.is_member)
    overlap = overlap_of(frame.is_member, propensity)
    near = _only(frame, kept)
    share = propensity[kept]
    weight = weights_of(near.is_member, share)
    others = ~near.is_member
    return ProgrammeMeasurement(
        assignments,
        measure,
        len(members.arm),
        n_followed,
        int(near.is_member.sum()),
        dict(_effects(near, share, measure, seed)),
        frame.names,
        balance_of(near.covariates, near.is_member, weight),
        overlap,
        int((near.as_member[others] > 0).sum()),
        float(np.average(near.as_member[others], weights=weight[others])),
    )


def frame_of(
    log: Log, members: Assignments, measure: Measure, bundle: Bundle, rng: np.random.Generator
) -> Frame:
    """Return members on their day of joining, and customers drawn among those not joined by then.

    Both must be customers on that day. Members whose window is not over are in neither group on
    their day.
    """
    joining = Joining.of(log, members)
    over = members.only(measure.is_over(members.at))
    days = day_of(over.at)
    wanted = {int(day): COMPARED_TO_A_MEMBER * int((days == day).sum()) for day in np.unique(days)}
    compared = drawn(log, joining, wanted, measure, bundle, rng)
    every = np.concatenate([over.customer_ids, *compared.values()])
    parts = []
    if len(every):
        block = block_of_customers(log, np.unique(every.astype(str)).astype(object), measure)
        numbers = {customer: number for number, customer in enumerate(block.history.customer_ids)}
        for day, ids in compared.items():
            joined = _of(numbers, over.customer_ids[days == day])
            of_day = _Day(day, joined, _of(numbers, ids))
            parts.append(_on_day(block, of_day, joining, measure, bundle))
    names = (*(signal.name for signal in bundle.model.signals), *_EXPECTED)
    return Frame(
        np.concatenate([np.zeros(0, dtype=bool), *(part.is_member for part in parts)]),
        np.concatenate([np.zeros(0, dtype=np.int64), *(part.customer for part in parts)]),
        np.concatenate([np.zeros((0, len(names))), *(part.covariates for part in parts)]),
        np.concatenate([np.zeros(0), *(part.as_member for part in parts)]),
        names,
        stacked([part.outcomes for part in parts], measure.n_months),
    )


class _Day(NamedTuple):
    """Hold who joined on a day and who is compared with them, as numbers in the block."""

    day: int
    joined: NDArray[np.int64]
    compared: NDArray[np.int64]


def _of(numbers: Mapping[str, int], ids: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.array(sorted(numbers[each] for each in ids if each in numbers), dtype=np.int64)


def _on_day(block: Block, day: _Day, joining: Joining, measure: Measure, bundle: Bundle) -> Frame:
    chosen = np.union1d(day.joined, day.compared)
    part = customers_of(block, chosen)
    moment = Moment(part.history, part.profiles, day.day, bundle.business, bundle.references)
    there = are_customers(moment)
    outcomes = outcomes_since(part, day.day, measure).only(there)
    expected = (outcomes.stayed_before, outcomes.margin_before, outcomes.value_before)
    signals = signal_matrix(moment, bundle.model.signals)[there]
    is_member = np.isin(chosen, day.joined)[there]
    end = int(measure.ends(np.array([day.day]))[0])
    return Frame(
        is_member,
        chosen[there],
        np.column_stack([signals, *expected]),
        joining.share_as_member(part.history.customer_ids[there], day.day, end),
        (),
        outcomes,
    )


def _only(frame: Frame, kept: NDArray[np.bool_]) -> Frame:
    return Frame(
        frame.is_member[kept],
        frame.customer[kept],
        frame.covariates[kept],
        frame.as_member[kept],
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


def _require_enough(n_members: int, n_compared: int, months: int) -> None:
    needed = f"at least {FEWEST} are needed; "
    mistakes = []
    if n_members < FEWEST:
        expected = f"{needed}wait until windows of {months} months are over"
        mistakes.append(Mistake("members followed to the end", str(n_members), expected))
    elif n_compared < FEWEST:
        expected = f"{needed}on the days they joined hardly anybody else was a customer"
        mistakes.append(Mistake("customers to compare members with", str(n_compared), expected))
    if mistakes:
        raise InputRefusedError("too few customers to compare", mistakes)


def _require_alike(kept: NDArray[np.bool_], is_member: NDArray[np.bool_]) -> None:
    """Refuse groups of which signals say who joins: nobody of the one is like the other."""
    n_members, n_others = int((kept & is_member).sum()), int((kept & ~is_member).sum())
    if min(n_members, n_others) < FEWEST_ALIKE:
        expected = (
            f"at least {FEWEST_ALIKE} of each must be no likelier to join than {LIKELIEST}: "
            "signals tell who joins, and nobody shows what members would have done anyway"
        )
        found = f"{n_members} of {int(is_member.sum())} members, {n_others} others"
        raise InputRefusedError("nobody to compare with", [Mistake("alike", found, expected)])
