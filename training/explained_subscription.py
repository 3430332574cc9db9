"""What the subscription model reads of a customer, input by input."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.kernel import Moment
from features.months import DAY, NEVER
from features.plan_standing import PlanStanding
from training.booked_margin import booked_margin
from training.business import Business
from training.credibility import Credibility
from training.explained import (
    Money,
    Readings,
    Values,
    mean_where_known,
    months_looked_back,
    read_by,
    recent_money,
)
from training.flows import event_flows
from training.forecast import Curves
from training.person_periods import clock_columns
from training.plan_path import plan_numbers
from training.players import PATH, PLAN, Input, input_of
from training.subscription import SubscriptionModel
from valuation.survival import activity_in_month

DAYS_OF_A_MOVE = 90
"""For so long a customer is held against the plan they came from."""


@dataclass(frozen=True)
class ExplainedSubscription:
    """Say what a subscription model reads, and what it expects of it.

    The group of a customer is the main plan. Whoever came from another plan of late is held
    against that one, so that the move itself is part of what sets them apart.
    """

    model: SubscriptionModel
    business: Business

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The signals that the hazard was trained on."""
        return tuple(input_of(signal, "subscription") for signal in self.model.signals)

    def path_inputs(self, n_months: int) -> tuple[Input, ...]:
        """Name the plan's: price now, what is booked, and how plans go on from there."""
        return (Input(PATH, PLAN),) * n_months

    @property
    def credibility(self) -> Credibility:
        """How far a customer's own money beside the plan counts."""
        return self.model.flows

    @property
    def n_groups(self) -> int:
        """One for each plan that the plan path knows, the last for all others."""
        return len(self.model.path.plans)

    @cached_property
    def is_read(self) -> NDArray[np.bool_]:
        """The clocks, and whatever a tree splits on."""
        hazard = self.model.hazard
        boosters = [hazard.booster, None if hazard.aft is None else hazard.aft.booster]
        is_read = read_by(boosters, len(self.inputs))
        is_read[self._clocks] = True
        return is_read

    def read(self, moment: Moment, n_months: int) -> Readings:
        """Return what is known of the customers with an open subscription."""
        there = np.flatnonzero(moment.plan.is_open)
        plan = moment.plan.plan_label
        booked = booked_margin(moment, self.business, n_months, self.model.pauses)
        path = self.model.along_the_path(moment, self.business, booked)
        return Readings(
            there,
            plan_numbers(plan[there], self.model.path.plans),
            plan_numbers(self._plan_before(moment)[there], self.model.path.plans),
            signal_matrix(moment, self.model.signals)[there],
            path[there],
            self.everybodys_money(moment).of(there),
        )

    def everybodys_money(self, moment: Moment) -> Money:
        """Return extra revenue, costs and costs to serve of all, lost customers too."""
        edges = months_looked_back(moment.as_of, self.business)
        until = np.full(moment.history.n_customers, NEVER)
        flows = event_flows(moment.history, self.business)
        exposure = moment.timeline.open_share(edges, until)
        return recent_money(moment, flows, exposure, self.business)

    def typical(self, inputs: Values, fewest: int) -> Values:
        """Return the means, but the most frequent term: a mean of terms falls due in no month."""
        typical = mean_where_known(inputs, fewest)
        _, term, renewal, _ = self._clocks
        terms, customers = np.unique(inputs[:, term], return_counts=True)
        typical[term] = terms[np.argmax(customers)] if customers.max() >= fewest else 0.0
        bound = inputs[inputs[:, term] == typical[term], renewal]
        typical[renewal] = np.round(np.mean(bound)) if typical[term] > 0 else np.nan
        return typical

    def expected_margin(self, inputs: Values, path: Values, money: Values, n_months: int) -> Curves:
        """Return expected margin by month, shape (n, n_months), as the model's forecast does."""
        idle_cost = self.business.cost_to_serve.get("per_month", 0.0)
        activity = activity_in_month(self.model.survival(inputs, n_months))
        return (path + (money - idle_cost)[:, None]) * activity

    def _plan_before(self, moment: Moment) -> NDArray[np.object_]:
        """Return the main plan of a while ago; the one now where nothing was open then."""
        now, then = moment.plan, moment.as_of - DAYS_OF_A_MOVE * DAY
        before = PlanStanding(
            now.history, now.timeline, now.profiles, then, now.rules, now.references
        )
        return np.where(before.is_open, before.plan_label, now.plan_label)

    @cached_property
    def _clocks(self) -> list[int]:
        return clock_columns([name.name for name in self.inputs])
