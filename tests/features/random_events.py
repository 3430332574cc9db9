"""Random events of the contract: many ties, late records, booked changes, odd days and amounts.

Everything is drawn from a `random.Random`: a seeded one gives many customers fast, Hypothesis
gives one whose choices it can shrink.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from features.contract import KINDS
from features.log import EVENT_SCHEMA
from features.references import NO_REFERENCES, References
from features.rules import CustomerRules

Event = dict[str, Any]

METRICS = ("minutes", "searches")
START = datetime(2023, 1, 31, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

MONTH_STARTS = [datetime(2023 + n // 12, 1 + n % 12, 1, tzinfo=UTC) for n in range(1, 18)]
_LAST_DAYS = [
    start.replace(day=monthrange(start.year, start.month)[1], hour=8) for start in MONTH_STARTS
]
EVERY_30_DAYS = [START + timedelta(days=30 * n) for n in range(18)]
# Leap day; the hours around changes to and from daylight saving time in Europe; a new year.
_ODD = [
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2023, 3, 26, 1, tzinfo=UTC),
    datetime(2023, 10, 29, 0, 59, 59, tzinfo=UTC),
    datetime(2023, 10, 29, 1, tzinfo=UTC),
    datetime(2023, 12, 31, 23, 30, tzinfo=UTC),
]
ANCHORS = [*MONTH_STARTS, *_LAST_DAYS, *EVERY_30_DAYS, *_ODD]
_LATE_ANCHORS = [START + timedelta(days=700), *MONTH_STARTS[9:], *EVERY_30_DAYS[9:], *_ODD]

_PRICES = (9.99, 9.99, 0.0, 4.99, 20.0, 33.33, 0.125, 2.5)
_EFFECT_DAYS = (None, None, None, -3, 0, 9, 30, 120)
_PLANS = ("Basic", "Max", None, "Basic", "Max", "Pro")
_LABELS = {
    "support": (None, "high", "low"),
    "payment": (None, "high", "low", "setup fee", "it's"),
    "usage": (None, *METRICS, "", *METRICS),
    "referral_joined": ("newcomer",),
    "assignment": ("spring/treated",),
    "cancel": (None, "voluntary", "involuntary"),
}
_MONEY = ("payment", "refund", "cost", "payment_failed", "contact", "offer")
_AMOUNT_MAY_BE_NULL = ("payment_failed", "review", "contact", "offer")
_SUBSCRIPTIONS = (None, None, "s1", "s2")
_KINDS = tuple(kind.name for kind in KINDS)
_OF_PLAN = ("subscribe", "plan_change", "renew", "plan_change", "cancel", "cancel_withdrawn")
_OF_SHOP = ("payment", "payment", "payment", "refund", "payment_failed", "usage")
_OF_SERVICE = ("usage", "usage", "support", "support", "support_resolved", "review", "contact")


def random_moment(rng: Random, anchors: Sequence[datetime] = ANCHORS) -> datetime:
    """Return an instant: often one of a few, or a microsecond beside it, else any."""
    which = rng.randrange(8)
    if which < 4:
        return rng.choice(anchors)
    if which == 4:
        return rng.choice(anchors) + rng.choice((-MICROSECOND, MICROSECOND))
    hours = rng.choice((0.0, 0.0, 13.25, 23.999))
    return START + timedelta(days=rng.randrange(521), hours=hours)


def random_as_of(rng: Random) -> datetime:
    """Return an as_of: late, so that much lies before it, more often than early."""
    return random_moment(rng, rng.choice((ANCHORS, _LATE_ANCHORS, _LATE_ANCHORS)))


def random_customer(rng: Random, customer_id: str, most: int = 20) -> list[Event]:
    """Return the events of one customer in no order, event ids unique."""
    kinds, anchors = _customer_of(rng)
    few = rng.choice((most, most, max(1, most // 4)))
    events = [_event(rng, rng.choice(kinds), anchors) for _ in range(rng.randrange(few + 1))]
    numbers = rng.sample(range(100 * (most + 1)), len(events))
    return [
        event | {"customer_id": customer_id, "event_id": f"{customer_id}-{number:05d}"}
        for event, number in zip(events, numbers, strict=True)
    ]


def _customer_of(rng: Random) -> tuple[Sequence[str], Sequence[datetime]]:
    """Return the kinds of a customer's events, and the instants they crowd at."""
    kinds = rng.choice((_OF_PLAN, _OF_PLAN, _OF_PLAN, _OF_SHOP, _OF_SERVICE, _KINDS))
    return kinds, rng.choice((ANCHORS, EVERY_30_DAYS, MONTH_STARTS, rng.sample(ANCHORS, 3)))


def _event(rng: Random, kind: str, anchors: Sequence[datetime]) -> Event:
    occurred = random_moment(rng, anchors)
    event = dict.fromkeys(EVENT_SCHEMA.names) | {"kind": kind, "occurred_at": occurred}
    event["recorded_at"] = occurred + timedelta(days=rng.choice((0, 0, 0, 0, 1, 40, -2)))
    event["label"] = rng.choice(_LABELS.get(kind, (None, "high")))
    if kind in _OF_PLAN:
        return event | _of_plan(rng, kind, occurred)
    return event | _of_other(rng, kind)


def _of_plan(rng: Random, kind: str, occurred: datetime) -> Event:
    of_all: Event = {"subscription_id": rng.choice(_SUBSCRIPTIONS)}
    of_all["effective_at"] = None if kind == "cancel_withdrawn" else _effect(rng, occurred)
    if kind.startswith("cancel"):
        return of_all
    return of_all | {
        "label": rng.choice(_PLANS),
        "amount": rng.choice(_PRICES),
        "list_amount": rng.choice((None, None, *_PRICES)),
        "term_months": rng.choice((None, None, 1, 3, 12)),
    }


def _effect(rng: Random, occurred: datetime) -> datetime | None:
    """Return when it takes effect: at once, some days off, or where much else happens."""
    if rng.randrange(3) == 0:
        return rng.choice(ANCHORS)
    days = rng.choice(_EFFECT_DAYS)
    return None if days is None else occurred + timedelta(days=days)


def _of_other(rng: Random, kind: str) -> Event:
    if kind in _AMOUNT_MAY_BE_NULL and rng.randrange(3) == 0:
        return {"amount": None}
    if kind == "payment":
        return {"amount": _money(rng), "basket_id": rng.choice((None, None, "b1", "b2"))}
    if kind in _MONEY:
        return {"amount": _money(rng)}
    if kind == "usage":
        return {"amount": rng.choice((0.0, 0.0005, 0.1, 7e-7, 2.5e-6, rng.randrange(10**5) / 1000))}
    return {"amount": rng.choice((1.0, 4.5, 5.0)) if kind == "review" else None}


def _money(rng: Random) -> float:
    return rng.choice((0.0, 0.125, 0.5, 1e9, rng.randrange(10_000) / 100))


def random_references(rng: Random, minor_units: int) -> References:
    """Return what may be known of a population: a ladder or none, cohorts or none."""
    if rng.randrange(5) == 0:
        return NO_REFERENCES
    prices = [round(price * minor_units) for price in _PRICES]
    plans = rng.sample(("Basic", "Max", "Pro", "Gold"), rng.randrange(5))
    months = rng.sample([f"{month:%Y-%m}" for month in MONTH_STARTS], 6)
    return References(
        ladder={plan: rng.choice(prices) for plan in plans},
        allowances={plan: rng.choice((0.0, 1.5e-6, 0.1, 300.0)) for plan in plans[:2]},
        cohort_prices={month: rng.choice(prices) for month in months},
        typical_price=rng.choice((None, *prices)),
    )


_ROLLS = CustomerRules(contract="subscription", currency="EUR", usage_scale={METRICS[1]: 1_000_000})
RANDOM_RULES = tuple(
    _ROLLS.model_copy(update={"month": month, "term_end": end, "currency": currency} | grace)
    for month, end, currency, grace in (
        ("calendar", "rolls", "EUR", {}),
        ("calendar", "lapses", "EUR", {"rejoin_grace_days": 0}),
        ("calendar", "lapses", "JPY", {}),
        (30, "rolls", "KWD", {"rejoin_grace_days": 0}),
        (30, "lapses", "EUR", {}),
        (30.4375, "rolls", "EUR", {"rejoin_grace_days": 7}),
    )
)
