"""One month of the world: the step from which both the history and its truth are made."""

from dataclasses import dataclass, replace

import numpy as np

from serving.demo.blocks import Block, Bools, Floats, Ints
from serving.demo.dealings import Dealings, draw_dealings
from serving.demo.exits import Exits, draw_exits
from serving.demo.instants import days_in
from serving.demo.moves import Moves, draw_moves
from serving.demo.parameters import OperatorParameters
from serving.demo.population import LONG_AGO_MONTHS, NEVER, Subscribers


@dataclass(frozen=True)
class Charges(Block):
    """Hold a month's prices and their accrual, shape `(n,)`, in EUR and shares of the month.

    `price_before` holds until `price_day`, `price_after` from then on; the customer is active
    from `first_day` to `last_day`, in days since the month began.
    """

    price_before: Floats
    price_after: Floats
    price_day: Floats
    first_day: Floats
    last_day: Floats
    active_share: Floats
    revenue: Floats


@dataclass(frozen=True)
class Happenings(Block):
    """Hold everything that happened to each customer in one month."""

    exits: Exits
    moves: Moves
    charges: Charges
    dealings: Dealings
    margin: Floats


def advance(
    state: Subscribers, rng: np.random.Generator, params: OperatorParameters
) -> tuple[Subscribers, Happenings]:
    """Live one month: return the state of those who are left, and what happened to everyone.

    Happenings align with `state`. Customers with `tenure_months` 0 join on their `start_day`.
    """
    exits = draw_exits(state, rng, params)
    moves = draw_moves(state, exits, rng, params)
    charges = accrue(state, exits, moves, params)
    dealings = draw_dealings(state, moves.new_term, charges.active_share, rng, params)
    margin = contribution_margin(charges, dealings, params)
    happenings = Happenings(exits, moves, charges, dealings, margin)
    return _next_state(state, happenings, rng, params).take(~exits.left), happenings


def accrue(state: Subscribers, exits: Exits, moves: Moves, params: OperatorParameters) -> Charges:
    """Return the month's prices and the revenue accrued by day while active."""
    price_before, price_after, price_day = _prices(state, moves, params)
    days = float(days_in(state.month))
    first = np.where(state.tenure_months == 0, state.start_day, 0.0)
    last = np.where(exits.left, exits.day, days)
    switch = np.clip(price_day, first, last)
    revenue = (price_before * (switch - first) + price_after * (last - switch)) / days
    active_share = (last - first) / days
    return Charges(price_before, price_after, price_day, first, last, active_share, revenue)


def contribution_margin(charges: Charges, dealings: Dealings, params: OperatorParameters) -> Floats:
    """Return revenue x gross margin - cost to serve - cost events, per customer, in EUR."""
    costs = params.costs
    normal = dealings.tickets - dealings.high_tickets
    support = costs.support * normal + costs.support_high * dealings.high_tickets
    idle = costs.per_month * charges.active_share
    return costs.gross_margin * charges.revenue - idle - support - dealings.event_costs()


def _prices(
    state: Subscribers, moves: Moves, params: OperatorParameters
) -> tuple[Floats, Floats, Floats]:
    """Return the price before and after the month's only possible switch, and when it comes."""
    list_prices = np.asarray(params.plans.list_prices)
    discounted = np.where(state.discount_left != NEVER, 1.0 - state.discount, 1.0)
    before = state.list_price * discounted
    discount_ends, booking_due = state.discount_left == 0, state.booked_in == 0
    at_once = (moves.up | moves.down) & (moves.booked_in == NEVER)
    after = list_prices[state.plan] * np.where(discount_ends, 1.0, discounted)
    after = np.where(booking_due, list_prices[state.booked_plan], after)
    after = np.where(at_once, list_prices[moves.plan], after)
    with_move = at_once | (moves.renewed & is_repriced(state, params))
    return before, after, np.where(with_move, moves.day, state.start_day)


def is_repriced(state: Subscribers, params: OperatorParameters) -> Bools:
    """Say whose contract has another list price than is now asked for the plan."""
    return state.list_price != np.asarray(params.plans.list_prices)[state.plan]


def _next_state(
    state: Subscribers, happened: Happenings, rng: np.random.Generator, params: OperatorParameters
) -> Subscribers:
    exits, moves, dealings = happened.exits, happened.moves, happened.dealings
    booked, due = moves.booked_in != NEVER, state.booked_in == 0
    plan = np.where(due, state.booked_plan, np.where(booked, state.plan, moves.plan))
    downgraded = plan < state.plan
    engagement = _next_engagement(state, downgraded, rng, params)
    term_left = np.where(moves.new_term, params.newcomers.term_months, state.term_left)
    return replace(
        state,
        month=state.month + 1,
        tenure_months=state.tenure_months + 1,
        start_day=np.where(moves.new_term, moves.day, state.start_day),
        plan=plan,
        list_price=np.asarray(params.plans.list_prices)[plan],
        term_left=_counted_down(term_left),
        discount_left=_counted_down(state.discount_left),
        booked_plan=np.where(booked, moves.plan, state.booked_plan),
        booked_in=_counted_down(np.where(booked, moves.booked_in, state.booked_in)),
        months_since_downgrade=np.where(
            downgraded, 0, np.minimum(state.months_since_downgrade + 1, LONG_AGO_MONTHS)
        ),
        engagement=engagement,
        habit=state.habit + params.usage.habit_rate * (engagement - state.habit),
        open_tickets=_open_tickets(state, dealings),
        arrears=np.where(dealings.settled, 0, state.arrears + _unpaid(dealings)),
        failures=params.billing.memory * state.failures + dealings.failed,
        under_notice=exits.asked,
        notice_day=exits.day,
        contact_logit=params.leaving.contact_memory * state.contact_logit,
    )


def _next_engagement(
    state: Subscribers, downgraded: Bools, rng: np.random.Generator, params: OperatorParameters
) -> Floats:
    spec = params.usage
    step = spec.step_sd * rng.standard_normal(len(state))
    return spec.persistence * state.engagement + step - params.moving.downgrade_shock * downgraded


def _open_tickets(state: Subscribers, dealings: Dealings) -> Ints:
    opened = dealings.tickets - dealings.resolved_new
    return state.open_tickets - dealings.resolved_old + opened


def _unpaid(dealings: Dealings) -> Bools:
    return dealings.failed & ~dealings.recovered


def _counted_down(months: Ints) -> Ints:
    """Take a month off what is running; what came to its end this month is over."""
    return np.maximum(months - 1, NEVER)
