"""Changes of plan: who moves up or down the ladder or signs a new term, and from when."""

from dataclasses import dataclass

import numpy as np

from serving.demo.blocks import Block, Bools, Floats, Ints
from serving.demo.exits import Exits
from serving.demo.instants import days_of_month
from serving.demo.parameters import OperatorParameters
from serving.demo.population import NEVER, Subscribers


@dataclass(frozen=True)
class Moves(Block):
    """Hold one month's orders, shape `(n,)`; `plan` is the one ordered, or the one held.

    Moves up act at once and begin a new term if one was running; so does a renewal. Moves down
    act at once from month to month, and at the end of a running term otherwise (`booked_in`
    months ahead, else -1). `day` is the moment of the order.
    """

    up: Bools
    down: Bools
    renewed: Bools
    plan: Ints
    day: Floats
    booked_in: Ints
    new_term: Bools


def draw_moves(
    state: Subscribers, exits: Exits, rng: np.random.Generator, params: OperatorParameters
) -> Moves:
    """Draw this month's orders from customers who are free to move and not about to leave."""
    n = len(state)
    free = may_move(state) & ~exits.left & ~exits.asked
    to_upper, to_lower = move_probabilities(state, params)
    choice, day = rng.random(n), days_of_month(n, rng)
    up = free & (choice < to_upper)
    down = free & ~up & (choice < to_upper + to_lower)
    renewed = free & (state.term_left == NEVER) & (choice > 1.0 - params.moving.renewal)
    in_term = state.term_left > 0
    return Moves(
        up=up,
        down=down,
        renewed=renewed,
        plan=state.plan + up - down,
        day=day,
        booked_in=np.where(down & in_term, state.term_left, NEVER),
        new_term=renewed | (up & in_term),
    )


def may_move(state: Subscribers) -> Bools:
    """Say who is free to order: not new, under notice, discounted, booked or at the term's end."""
    return (
        (state.tenure_months > 0)
        & ~state.under_notice
        & (state.discount_left == NEVER)
        & (state.booked_in == NEVER)
        & (state.term_left != 0)
    )


def move_probabilities(state: Subscribers, params: OperatorParameters) -> tuple[Floats, Floats]:
    """Return P(orders the next dearer plan) and P(orders the next cheaper one), if free to."""
    spec = params.moving
    included = np.log(np.asarray(params.plans.allowances_gb))[state.plan]
    pressure = spec.pressure_logit * (state.size + state.engagement - included)
    upper = 1.0 / (1.0 + np.exp(-spec.upgrade_logit - pressure))
    lower = 1.0 / (1.0 + np.exp(-spec.downgrade_logit + pressure))
    dearest = len(params.plans.names) - 1
    return np.where(state.plan < dearest, upper, 0.0), np.where(state.plan > 0, lower, 0.0)
