"""Leaving: the true hazards, and who asks, withdraws or goes in a month.

A voluntary leaver asks one month ahead and goes on the same moment of the next month, unless the
notice is withdrawn. Whoever is under notice cannot be disconnected for arrears meanwhile.
"""

from dataclasses import dataclass

import numpy as np

from serving.demo.blocks import Block, Bools, Floats
from serving.demo.instants import FIRST_HOUR, days_of_month
from serving.demo.parameters import OperatorParameters
from serving.demo.population import Subscribers


@dataclass(frozen=True)
class Exits(Block):
    """Hold one month's leaving, shape `(n,)`; a day means something only beside its flag.

    `ask_probability` and `disconnection_probability` are conditional on the state at the start of
    the month: the hazards that the flags were drawn from.
    """

    ask_probability: Floats
    disconnection_probability: Floats
    asked: Bools
    withdrew: Bools
    withdrawal_day: Floats
    disconnected: Bools
    left: Bools
    day: Floats


def draw_exits(state: Subscribers, rng: np.random.Generator, params: OperatorParameters) -> Exits:
    """Draw who asks to leave, takes that back, is disconnected or goes in `state.month`."""
    n = len(state)
    disconnection = disconnection_probability(state, params)
    ask = ask_probability(state, params) * (1.0 - disconnection)
    fate, regret, day = rng.random(n), rng.random(n), days_of_month(n, rng)
    withdrew = state.under_notice & (regret < params.leaving.withdrawn_share)
    disconnected = fate < disconnection
    return Exits(
        ask_probability=ask,
        disconnection_probability=disconnection,
        asked=~disconnected & (fate < disconnection + ask),
        withdrew=withdrew,
        withdrawal_day=np.floor(fate * np.floor(state.notice_day)) + FIRST_HOUR / 24.0,
        disconnected=disconnected,
        left=disconnected | (state.under_notice & ~withdrew),
        day=np.where(state.under_notice, state.notice_day, day),
    )


def ask_probability(state: Subscribers, params: OperatorParameters) -> Floats:
    """Return P(asks to leave this month given not disconnected); 0 while new or under notice."""
    logit = (
        params.leaving.base_logit
        + state.frailty
        + _contract_logit(state, params)
        + _experience_logit(state, params)
        + state.contact_logit
    )
    free = (state.tenure_months > 0) & ~state.under_notice
    return np.where(free, 1.0 / (1.0 + np.exp(-logit)), 0.0)


def disconnection_probability(state: Subscribers, params: OperatorParameters) -> Floats:
    """Return P(disconnected for unpaid bills this month); 0 below the limit or under notice."""
    spec = params.leaving
    due = (state.arrears >= spec.arrears_limit) & ~state.under_notice
    return np.where(due, spec.disconnection, 0.0)


def _contract_logit(state: Subscribers, params: OperatorParameters) -> Floats:
    """Add up what plan, tenure, term and discount do to the log-odds of asking to leave."""
    spec = params.leaving
    at_term_end = (state.term_left == 0) | (state.term_left == 1)
    discount_ending = (state.discount_left == 0) | (state.discount_left == 1)
    logit: Floats = (
        np.asarray(spec.plan_logit)[state.plan]
        + spec.newness_logit * np.exp(-state.tenure_months / spec.newness_months)
        + spec.in_term_logit * (state.term_left > 1)
        + spec.term_end_logit * at_term_end
        + spec.discount_end_logit * discount_ending
    )
    return logit


def _experience_logit(state: Subscribers, params: OperatorParameters) -> Floats:
    """Add up what usage, payments, support and a downgrade do to the log-odds of asking."""
    spec = params.leaving
    included = np.log(np.asarray(params.plans.allowances_gb))[state.plan]
    overpaying = np.clip(included - state.size - state.engagement, 0.0, 2.0)
    logit: Floats = (
        spec.engagement_logit * state.engagement
        + spec.trend_logit * (state.engagement - state.habit)
        + spec.overpaying_logit * overpaying
        + spec.failures_logit * np.minimum(state.failures, 3.0)
        + spec.open_tickets_logit * np.minimum(state.open_tickets, 3)
        + spec.downgrade_logit * np.exp(-state.months_since_downgrade / spec.downgrade_months)
    )
    return logit
