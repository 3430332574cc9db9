"""What leaves a trace in the operator's systems but moves neither customers nor margin."""

from dataclasses import dataclass

import numpy as np

from serving.demo.blocks import Block, Bools, Floats, Ints
from serving.demo.parameters import OperatorParameters
from serving.demo.population import Subscribers
from serving.demo.transition import Happenings


@dataclass(frozen=True)
class Traces(Block):
    """Hold one month's traces, shape `(n,)`; `rating` is 1 to 5, or 0 where none was given."""

    minutes: Ints
    logins: Ints
    rating: Ints
    invited: Bools
    accepted: Bools


def draw_traces(
    state: Subscribers,
    happened: Happenings,
    rng: np.random.Generator,
    params: OperatorParameters,
) -> Traces:
    """Draw calls, logins, reviews and invitations, which follow engagement and satisfaction."""
    n, share = len(state), happened.charges.active_share
    warmth = np.exp(state.engagement)
    settled = (state.tenure_months > 0) & ~happened.exits.left
    invited = settled & (rng.random(n) < params.advocacy.invitation * warmth)
    accepted = invited & (rng.random(n) < params.advocacy.accepted_share)
    return Traces(
        minutes=rng.poisson(share * 90.0 * warmth * np.exp(0.2 * state.size)),
        logins=rng.poisson(share * 4.0 * warmth),
        rating=np.where(settled, _ratings(state, rng, params), 0),
        invited=invited,
        accepted=accepted,
    )


def _ratings(state: Subscribers, rng: np.random.Generator, params: OperatorParameters) -> Ints:
    mood: Floats = 3.9 + state.engagement - 0.8 * state.open_tickets - 0.4 * state.failures
    stars = np.clip(np.rint(mood + 0.9 * rng.standard_normal(len(state))), 1, 5).astype(np.int64)
    return np.where(rng.random(len(state)) < params.advocacy.review, stars, 0)
