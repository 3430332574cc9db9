"""What customers do and cost in a month: data used, bills paid or not, tickets, costs caused."""

from dataclasses import dataclass

import numpy as np

from serving.demo.blocks import Block, Bools, Floats, Ints
from serving.demo.parameters import OperatorParameters
from serving.demo.population import Subscribers


@dataclass(frozen=True)
class Dealings(Block):
    """Hold one month's dealings, shape `(n,)`; costs in EUR, of which none is negative.

    `tickets` counts all that were opened, `high_tickets` the severe among them; `resolved_old`
    closes tickets from earlier months, `resolved_new` some of this month's.
    """

    data_gb: Floats
    tickets: Ints
    high_tickets: Ints
    resolved_old: Ints
    resolved_new: Ints
    failed: Bools
    recovered: Bools
    settled: Bools
    network_cost: Floats
    roaming_cost: Floats
    handset_cost: Floats

    def event_costs(self) -> Floats:
        """Return the month's `cost` events together, in EUR."""
        return self.network_cost + self.roaming_cost + self.handset_cost


def draw_dealings(
    state: Subscribers,
    new_term: Bools,
    active_share: Floats,
    rng: np.random.Generator,
    params: OperatorParameters,
) -> Dealings:
    """Draw a month's dealings of customers active for `active_share` of it."""
    n, support = len(state), params.support
    data_gb = active_share * _monthly_data_gb(state, rng, params)
    tickets = rng.poisson(state.ticket_rate * active_share)
    failed = rng.random(n) < state.failure_rate
    luck = rng.random(n)
    return Dealings(
        data_gb=data_gb,
        tickets=tickets,
        high_tickets=_binomial(tickets, support.high_share, rng),
        resolved_old=_binomial(state.open_tickets, support.resolved_share, rng),
        resolved_new=_binomial(tickets, support.resolved_share, rng),
        failed=failed,
        recovered=failed & (luck < params.billing.recovered_share),
        settled=~failed & (state.arrears > 0) & (luck < params.billing.settled_share),
        network_cost=_network_cost(state, data_gb, params),
        roaming_cost=_roaming_cost(state, active_share, rng, params),
        handset_cost=np.where(new_term, params.costs.handset, 0.0),
    )


def _monthly_data_gb(
    state: Subscribers, rng: np.random.Generator, params: OperatorParameters
) -> Floats:
    """Return the need, with what exceeds the allowance mostly forgone."""
    spec = params.usage
    need = np.exp(state.size + state.engagement + spec.noise_sd * rng.standard_normal(len(state)))
    included = np.asarray(params.plans.allowances_gb)[state.plan]
    beyond: Floats = spec.beyond_allowance * np.maximum(need - included, 0.0)
    return np.minimum(need, included) + beyond


def _network_cost(state: Subscribers, data_gb: Floats, params: OperatorParameters) -> Floats:
    included = np.asarray(params.plans.allowances_gb)[state.plan]
    cost = np.round(params.costs.network_per_gb * np.maximum(data_gb - included, 0.0), 2)
    return np.where(cost >= params.costs.network_smallest, cost, 0.0)


def _roaming_cost(
    state: Subscribers,
    active_share: Floats,
    rng: np.random.Generator,
    params: OperatorParameters,
) -> Floats:
    """Draw the cost of trips abroad: a rare event of log-normal size."""
    spec, cost = params.costs, np.zeros(len(state))
    trips = np.flatnonzero(rng.random(len(state)) < state.roaming_rate * active_share)
    size = spec.roaming_median * np.exp(spec.roaming_sd * rng.standard_normal(len(trips)))
    cost[trips] = np.round(size, 2)
    return cost


def _binomial(trials: Ints, share: float, rng: np.random.Generator) -> Ints:
    """Draw binomial counts, working only where there is anything to draw."""
    counts = np.zeros(len(trials), dtype=np.int64)
    some = np.flatnonzero(trials)
    counts[some] = rng.binomial(trials[some], share)
    return counts
