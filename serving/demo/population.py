"""The subscribers of one moment: what the operator knows of them and what only the world knows."""

from dataclasses import dataclass

import numpy as np

from serving.demo.blocks import Block, Bools, Floats, Ints
from serving.demo.instants import days_of_month
from serving.demo.parameters import OperatorParameters

NEVER = -1
"""In a countdown of months (term, discount, booked plan): nothing is running."""
LONG_AGO_MONTHS = 999


@dataclass(frozen=True)
class Subscribers(Block):
    """Hold every customer's state at the start of `month`; arrays have shape `(n,)`.

    Countdowns (`term_left`, `discount_left`, `booked_in`) are months until it happens on
    `start_day`: 0 is this month, -1 never. `list_price` is that of the plan as this customer's
    contract has it. Latent: `frailty`, `size`, `engagement`, `habit`, the rates. `arrears` counts
    unpaid bills, `failures` is a fading count of failed payments, `contact_logit` what a contact
    of late does to the log-odds of asking to leave.
    """

    month: int
    who: Ints
    channel: Ints
    age: Ints
    region: Ints
    joined: Ints
    start_day: Floats
    plan: Ints
    list_price: Floats
    tenure_months: Ints
    term_left: Ints
    discount: Floats
    discount_left: Ints
    booked_plan: Ints
    booked_in: Ints
    months_since_downgrade: Ints
    frailty: Floats
    size: Floats
    engagement: Floats
    habit: Floats
    ticket_rate: Floats
    failure_rate: Floats
    roaming_rate: Floats
    open_tickets: Ints
    arrears: Ints
    failures: Floats
    under_notice: Bools
    notice_day: Floats
    contact_logit: Floats

    def __len__(self) -> int:
        """Count the customers."""
        return len(self.who)


def draw_newcomers(
    month: int, who: Ints, channel: Ints, rng: np.random.Generator, params: OperatorParameters
) -> Subscribers:
    """Draw the customers who join in `month`, given their numbers and acquisition channels."""
    n, spec = len(who), params.newcomers
    age = rng.choice(len(spec.age_bands), n, p=spec.age_shares)
    region = rng.choice(len(spec.regions), n, p=spec.region_shares)
    size = spec.size_mean + np.asarray(spec.age_size)[age] + spec.size_sd * rng.standard_normal(n)
    term = np.where(rng.random(n) < spec.term_share, spec.term_months, NEVER)
    discounted = rng.random(n) < spec.discount_share
    engagement = 0.3 * rng.standard_normal(n)
    start_day, plan = days_of_month(n, rng), _first_plan(size, rng, params)
    return Subscribers(
        month=month,
        who=who,
        channel=channel,
        age=age,
        region=region,
        joined=np.full(n, month),
        start_day=start_day,
        plan=plan,
        list_price=np.asarray(params.plans.list_prices)[plan],
        tenure_months=np.zeros(n, dtype=np.int64),
        term_left=term,
        discount=np.where(discounted, spec.discount, 0.0),
        discount_left=np.where(discounted, spec.discount_months, NEVER),
        booked_plan=np.full(n, NEVER),
        booked_in=np.full(n, NEVER),
        months_since_downgrade=np.full(n, LONG_AGO_MONTHS),
        frailty=_frailty(channel, age, region, rng, params),
        size=size,
        engagement=engagement,
        habit=engagement.copy(),
        ticket_rate=_ticket_rate(n, rng, params),
        failure_rate=_failure_rate(n, rng, params),
        roaming_rate=params.costs.roaming * rng.gamma(0.5, 2.0, n),
        open_tickets=np.zeros(n, dtype=np.int64),
        arrears=np.zeros(n, dtype=np.int64),
        failures=np.zeros(n),
        under_notice=np.zeros(n, dtype=np.bool_),
        notice_day=np.zeros(n),
        contact_logit=np.zeros(n),
    )


def _first_plan(size: Floats, rng: np.random.Generator, params: OperatorParameters) -> Ints:
    """Choose the cheapest plan that covers the need as the customer misjudges it."""
    guess = size + params.newcomers.misjudgement_sd * rng.standard_normal(len(size))
    included = np.log(np.asarray(params.plans.allowances_gb))
    return np.minimum(np.searchsorted(included, guess), len(included) - 1).astype(np.int64)


def _frailty(
    channel: Ints, age: Ints, region: Ints, rng: np.random.Generator, params: OperatorParameters
) -> Floats:
    """Draw the log-odds of leaving that never change: who the customer is, and the unseen."""
    spec = params.newcomers
    known: Floats = (
        np.asarray(params.channels.leaving_logit)[channel]
        + np.asarray(spec.age_leaving_logit)[age]
        + np.asarray(spec.region_leaving_logit)[region]
    )
    return known + params.leaving.frailty_sd * rng.standard_normal(len(channel))


def _ticket_rate(n: int, rng: np.random.Generator, params: OperatorParameters) -> Floats:
    spec = params.support
    return np.minimum(rng.gamma(spec.shape, spec.tickets / spec.shape, n), spec.most_tickets)


def _failure_rate(n: int, rng: np.random.Generator, params: OperatorParameters) -> Floats:
    spec = params.billing
    return np.where(rng.random(n) < spec.bad_payer_share, spec.bad_payer_failure, spec.failure)
