"""The operator's past: months of the same step, with newcomers joining in between.

The customers of the first observed month come from a warm-up that is lived before it, so that
they are survivors with terms, discounts and habits of their own, not people invented on the day.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from serving.demo.blocks import Ints
from serving.demo.parameters import OperatorParameters, Regime
from serving.demo.population import Subscribers, draw_newcomers
from serving.demo.traces import Traces, draw_traces
from serving.demo.transition import Happenings, advance

NOBODY = -1
Intervention = Callable[[int, Subscribers], Subscribers]
"""What the operator does to its customers as an observed month begins: month from 0, state."""
SURVIVING_SHARE = 0.3
"""Fewer newcomers than this survive no warm-up; more are drawn than needed, then sampled."""


@dataclass(frozen=True)
class LivedMonth:
    """Hold one month: what it began with, newcomers included, by which world, what it brought."""

    state: Subscribers
    params: OperatorParameters
    happenings: Happenings
    traces: Traces


@dataclass(frozen=True)
class History:
    """Hold what an operator went through.

    `openings[m]` is the true state at the start of observed month m, before newcomers, one more
    than there are months; `warm_up` holds the earlier months of those still there at the first;
    `newcomers` everyone in order of number, as on the day of joining; `referrers[who]` is the
    customer who brought `who`, or -1.
    """

    warm_up: tuple[LivedMonth, ...]
    observed: tuple[LivedMonth, ...]
    openings: tuple[Subscribers, ...]
    newcomers: Subscribers
    referrers: Ints


def live(  # noqa: PLR0913 -- a world, how long it is lived, and what is done to it
    n_customers: int,
    first_month: int,
    months: int,
    rng: np.random.Generator,
    params: OperatorParameters,
    *,
    later: Regime | None = None,
    intervention: Intervention | None = None,
) -> History:
    """Live `months` months with `n_customers` customers in all, numbered 0 to n_customers - 1.

    `openings` are as before the intervention of their month.
    """
    n_opening = round(n_customers * params.newcomers.opening_share)
    warm_up, opening = _warm_up(n_opening, first_month, rng, params)
    arrivals = _spread(n_customers - n_opening, months, rng)
    lived, openings, referrers = [], [opening], [np.full(n_opening, NOBODY)]
    inviters, next_number = np.empty(0, dtype=np.int64), n_opening
    for number, arriving in enumerate(arrivals):
        if later is not None and number == later.month:
            params = later.params
        opening = intervention(number, openings[-1]) if intervention else openings[-1]
        brought_by = _brought_by(inviters, arriving)
        joining = _joining(opening.month, next_number, brought_by, rng, params)
        month, after = _lived_month(opening.followed_by(joining), rng, params)
        inviters, next_number = month.state.who[month.traces.accepted], next_number + arriving
        lived.append(month)
        openings.append(after)
        referrers.append(brought_by)
    return History(
        warm_up=warm_up,
        observed=tuple(lived),
        openings=tuple(openings),
        newcomers=_as_they_joined([*warm_up, *lived]),
        referrers=np.concatenate(referrers),
    )


def _lived_month(
    state: Subscribers, rng: np.random.Generator, params: OperatorParameters
) -> tuple[LivedMonth, Subscribers]:
    after, happenings = advance(state, rng, params)
    traces = draw_traces(state, happenings, rng, params)
    return LivedMonth(state, params, happenings, traces), after


def _warm_up(
    n_opening: int, first_month: int, rng: np.random.Generator, params: OperatorParameters
) -> tuple[tuple[LivedMonth, ...], Subscribers]:
    """Live the months before, then keep `n_opening` of the survivors, drawn at random."""
    months = params.newcomers.warm_up_months
    arrivals = _spread(int(n_opening / SURVIVING_SHARE) + months, months, rng)
    state, lived, number = _nobody(first_month - months, rng, params), [], 0
    for arriving in arrivals:
        joining = _joining(state.month, number, np.full(arriving, NOBODY), rng, params)
        month, state = _lived_month(state.followed_by(joining), rng, params)
        lived.append(month)
        number += arriving
    if len(state) < n_opening:
        raise ValueError(
            f"{len(state)} of {number} customers survived the {months} months of warm-up, "
            f"{n_opening} are needed; lower the hazard of leaving or opening_share."
        )
    kept = np.sort(rng.choice(len(state), n_opening, replace=False))
    opening = state.take(kept)
    return _only(lived, opening.who), replace(opening, who=np.arange(n_opening))


def _only(lived: Sequence[LivedMonth], kept: Ints) -> tuple[LivedMonth, ...]:
    """Keep the months of the customers `kept` (ascending), who are numbered anew from 0."""
    months = []
    for month in lived:
        index = np.flatnonzero(np.isin(month.state.who, kept))
        state = month.state.take(index)
        renumbered = replace(state, who=np.searchsorted(kept, state.who))
        happenings, traces = month.happenings.take(index), month.traces.take(index)
        months.append(LivedMonth(renumbered, month.params, happenings, traces))
    return tuple(months)


def _joining(
    month: int,
    first_number: int,
    brought_by: Ints,
    rng: np.random.Generator,
    params: OperatorParameters,
) -> Subscribers:
    """Draw a month's newcomers; those whom somebody brought come by the last channel."""
    who = np.arange(first_number, first_number + len(brought_by))
    shares = params.channels.shares
    bought = rng.choice(len(shares), len(who), p=shares)
    channel = np.where(brought_by == NOBODY, bought, len(params.channels.names) - 1)
    return draw_newcomers(month, who, channel, rng, params)


def _brought_by(inviters: Ints, arriving: int) -> Ints:
    """Say who brought each of a month's newcomers, as far as invitations were accepted."""
    referrers = np.full(arriving, NOBODY)
    brought = min(len(inviters), arriving)
    referrers[:brought] = inviters[:brought]
    return referrers


def _as_they_joined(lived: Sequence[LivedMonth]) -> Subscribers:
    """Return everyone as on the day of joining, in order of number (they joined in that order)."""
    joined = [month.state.take(month.state.tenure_months == 0) for month in lived]
    everyone = joined[0]
    for newcomers in joined[1:]:
        everyone = everyone.followed_by(newcomers)
    return everyone


def _nobody(month: int, rng: np.random.Generator, params: OperatorParameters) -> Subscribers:
    nobody = np.empty(0, dtype=np.int64)
    return draw_newcomers(month, nobody, nobody, rng, params)


def _spread(total: int, months: int, rng: np.random.Generator) -> list[int]:
    """Spread `total` newcomers over months that are alike but for chance."""
    return [int(count) for count in rng.multinomial(total, np.full(months, 1.0 / months))]
