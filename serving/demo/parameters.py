"""What is true in the simulated world: every number the operator's customers live by.

Coefficients called `*_logit` add to the log-odds of a monthly probability. Prices and costs are
in EUR, usage in GB, probabilities per month unless the name says otherwise.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plans:
    """List the plans from the cheapest to the dearest, with price and included data."""

    names: tuple[str, ...] = ("Basic", "Smart", "Plus", "Max")
    list_prices: tuple[float, ...] = (9.99, 19.99, 29.99, 44.99)
    allowances_gb: tuple[float, ...] = (3.0, 12.0, 30.0, 80.0)


@dataclass(frozen=True)
class Channels:
    """Describe where newcomers come from; `leaving_logit` is a channel's true quality."""

    names: tuple[str, ...] = ("shop", "web", "partner", "referral")
    shares: tuple[float, ...] = (0.40, 0.38, 0.22)
    costs: tuple[float, ...] = (45.0, 25.0, 60.0, 15.0)
    leaving_logit: tuple[float, ...] = (0.0, 0.15, 0.6, -0.45)


@dataclass(frozen=True)
class Newcomers:
    """Describe people on the day they join, and how many come when."""

    opening_share: float = 0.40
    warm_up_months: int = 48
    age_bands: tuple[str, ...] = ("18-25", "26-39", "40-54", "55-69", "70+")
    age_shares: tuple[float, ...] = (0.18, 0.30, 0.26, 0.18, 0.08)
    age_size: tuple[float, ...] = (0.7, 0.4, 0.0, -0.5, -1.0)
    age_leaving_logit: tuple[float, ...] = (0.35, 0.1, 0.0, -0.15, -0.3)
    regions: tuple[str, ...] = ("Vienna", "Styria", "Upper Austria", "Tyrol")
    region_shares: tuple[float, ...] = (0.42, 0.22, 0.22, 0.14)
    region_leaving_logit: tuple[float, ...] = (0.15, 0.0, -0.05, -0.15)
    size_mean: float = 2.1
    size_sd: float = 0.8
    misjudgement_sd: float = 0.8
    term_share: float = 0.5
    term_months: int = 12
    discount_share: float = 0.4
    discount: float = 0.25
    discount_months: int = 6


@dataclass(frozen=True)
class Leaving:
    """State the hazard of asking to leave, of taking it back, and of being disconnected."""

    base_logit: float = -4.65
    frailty_sd: float = 0.5
    newness_logit: float = 0.5
    newness_months: float = 8.0
    downgrade_logit: float = 0.9
    downgrade_months: float = 4.0
    engagement_logit: float = -0.6
    trend_logit: float = -1.5
    failures_logit: float = 0.3
    open_tickets_logit: float = 0.6
    in_term_logit: float = -1.3
    term_end_logit: float = 1.5
    discount_end_logit: float = 1.2
    overpaying_logit: float = 0.35
    contact_memory: float = 0.8
    plan_logit: tuple[float, ...] = (0.15, 0.0, -0.05, -0.1)
    withdrawn_share: float = 0.1
    arrears_limit: int = 2
    disconnection: float = 0.5


@dataclass(frozen=True)
class Moving:
    """State how usage against the allowance makes customers change plan or renew a term."""

    upgrade_logit: float = -4.9
    downgrade_logit: float = -5.1
    pressure_logit: float = 0.9
    renewal: float = 0.02
    downgrade_shock: float = 0.25


@dataclass(frozen=True)
class Usage:
    """Describe the engagement that drives usage: a mean-reverting random walk and its habit."""

    persistence: float = 0.97
    step_sd: float = 0.16
    habit_rate: float = 0.25
    noise_sd: float = 0.2
    beyond_allowance: float = 0.3


@dataclass(frozen=True)
class Billing:
    """Describe failing payments: most customers seldom, some often."""

    failure: float = 0.012
    bad_payer_share: float = 0.1
    bad_payer_failure: float = 0.3
    recovered_share: float = 0.6
    settled_share: float = 0.4
    memory: float = 0.7


@dataclass(frozen=True)
class Support:
    """Describe tickets per month (gamma over customers) and how fast they are resolved."""

    tickets: float = 0.1
    shape: float = 0.3
    most_tickets: float = 2.0
    high_share: float = 0.2
    resolved_share: float = 0.75


@dataclass(frozen=True)
class Costs:
    """State the margin share of revenue and what customers cost, in EUR."""

    gross_margin: float = 0.7
    per_month: float = 2.5
    support: float = 6.0
    support_high: float = 15.0
    handset: float = 45.0
    network_per_gb: float = 0.8
    network_smallest: float = 1.0
    roaming: float = 0.05
    roaming_median: float = 5.0
    roaming_sd: float = 0.6


@dataclass(frozen=True)
class Advocacy:
    """Describe reviews and invitations."""

    review: float = 0.012
    invitation: float = 0.012
    accepted_share: float = 0.35


@dataclass(frozen=True)
class Blemishes:
    """State the shares of rows that are recorded late or are not fit for use."""

    late_share: float = 0.03
    late_days: int = 6
    dirty_share: float = 0.002


@dataclass(frozen=True)
class OperatorParameters:
    """Hold the whole simulated world; a value, so that a change of regime is another value."""

    horizon_months: int = 36
    annual_discount_rate: float = 0.10
    plans: Plans = field(default_factory=Plans)
    channels: Channels = field(default_factory=Channels)
    newcomers: Newcomers = field(default_factory=Newcomers)
    leaving: Leaving = field(default_factory=Leaving)
    moving: Moving = field(default_factory=Moving)
    usage: Usage = field(default_factory=Usage)
    billing: Billing = field(default_factory=Billing)
    support: Support = field(default_factory=Support)
    costs: Costs = field(default_factory=Costs)
    advocacy: Advocacy = field(default_factory=Advocacy)
    blemishes: Blemishes = field(default_factory=Blemishes)


@dataclass(frozen=True)
class Regime:
    """Say by what the world goes on from an observed month, counted from 0.

    Other list prices reach each customer on the day of the bill in that month, or with a move or
    a renewal before it. The names of plans and their order must stay.
    """

    month: int
    params: OperatorParameters
