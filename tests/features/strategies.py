"""Random histories for Hypothesis: few customers, many ties, late records, booked changes."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from features.contract import KINDS
from features.log import EVENT_SCHEMA
from features.rules import CustomerRules

CUSTOMERS = ("ann", "bob", "cem")
METRICS = ("minutes", "searches")
START = datetime(2023, 1, 31, tzinfo=UTC)

_HOURS = st.sampled_from([0.0, 0.0, 0.0, 13.25, 23.999])
_ANY_MOMENT = st.builds(
    lambda days, hours: START + timedelta(days=days, hours=hours), st.integers(0, 520), _HOURS
)
_MONTH_STARTS = [datetime(2023 + n // 12, 1 + n % 12, 1, tzinfo=UTC) for n in range(1, 18)]
_EVERY_30_DAYS = [START + timedelta(days=30 * n) for n in range(18)]
_MOMENTS = st.one_of(_ANY_MOMENT, st.sampled_from(_MONTH_STARTS), st.sampled_from(_EVERY_30_DAYS))
_EFFECT_DAYS = st.sampled_from([None, None, None, -3, 0, 9, 30, 120])
_PRICES = st.sampled_from([0.0, 4.99, 9.99, 9.99, 20.0, 33.33])
_MONEY = st.integers(0, 9999).map(lambda cents: cents / 100)
_QUANTITY = st.integers(0, 99_999).map(lambda thousandths: thousandths / 1000)

_LATE = st.sampled_from([*_MONTH_STARTS[9:], *_EVERY_30_DAYS[9:], START + timedelta(days=700)])
AS_OF = st.one_of(_MOMENTS, _LATE, _LATE)

ROLLS = CustomerRules(contract="subscription", currency="EUR")
RULES = st.sampled_from(
    [
        ROLLS.model_copy(update={"month": month, "term_end": end, "rejoin_grace_days": n})
        for month in ("calendar", 30)
        for end in ("rolls", "lapses")
        for n in (0, 30)
    ]
)


def _event(kind, **columns):
    filled = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(CUSTOMERS),
            "kind": st.just(kind),
            "occurred_at": _MOMENTS,
            "delay_days": st.sampled_from([0, 0, 0, 1, 40]),
            "effect_days": st.none(),
            **columns,
        }
    )
    return filled.map(_contract_row)


def _contract_row(drawn):
    occurred, effect_days = drawn["occurred_at"], drawn.pop("effect_days")
    row = dict.fromkeys(EVENT_SCHEMA.names)
    row["recorded_at"] = occurred + timedelta(days=drawn.pop("delay_days"))
    if effect_days is not None:
        row["effective_at"] = occurred + timedelta(days=effect_days)
    return row | drawn


_SUBSCRIPTION = {
    "subscription_id": st.sampled_from([None, None, "s1", "s2"]),
    "effect_days": _EFFECT_DAYS,
}
_PLAN = {
    **_SUBSCRIPTION,
    "amount": _PRICES,
    "list_amount": st.one_of(st.none(), _PRICES),
    "label": st.sampled_from([None, "Basic", "Max"]),
    "term_months": st.sampled_from([None, None, 1, 3, 12]),
}
_LABEL = {"label": st.sampled_from([None, "high", "low"])}
_COLUMNS = {
    "subscribe": _PLAN,
    "plan_change": _PLAN,
    "renew": _PLAN,
    "cancel": _SUBSCRIPTION,
    "cancel_withdrawn": {**_SUBSCRIPTION, "effect_days": st.none()},
    "payment": {"amount": _MONEY, "basket_id": st.sampled_from([None, "b1", "b2"]), **_LABEL},
    "refund": {"amount": _MONEY},
    "cost": {"amount": _MONEY},
    "payment_failed": {"amount": st.one_of(st.none(), _MONEY)},
    "usage": {"amount": _QUANTITY, "label": st.sampled_from([None, *METRICS])},
    "review": {"amount": st.one_of(st.none(), st.sampled_from([1.0, 4.5, 5.0]))},
    "referral_joined": {"label": st.just("newcomer")},
    "assignment": {"label": st.just("spring/treated")},
    "support": _LABEL,
}
_ANY = st.one_of(*[_event(kind.name, **_COLUMNS.get(kind.name, {})) for kind in KINDS])
_OF_PLAN = st.one_of(*[_event(kind, **_COLUMNS[kind]) for kind in list(_COLUMNS)[:5]])
_SHOPPING = st.one_of(*[_event(kind, **_COLUMNS[kind]) for kind in ("payment", "usage")])
_OF_ONE_SUBSCRIPTION = {
    "customer_id": st.just("ann"),
    "subscription_id": st.none(),
    "occurred_at": st.sampled_from(_EVERY_30_DAYS),
}
_STORY = st.one_of(
    *[_event(kind, **(_COLUMNS[kind] | _OF_ONE_SUBSCRIPTION)) for kind in list(_COLUMNS)[:5]]
)


def _numbered(events):
    return [event | {"event_id": f"{number:04d}"} for number, event in enumerate(events)]


def histories(max_size=30):
    """Return lists of contract events, as dicts in no order, event ids unique."""
    events = st.one_of(_OF_PLAN, _OF_PLAN, _SHOPPING, _ANY)
    few = st.lists(events, max_size=max_size // 4)
    many = st.lists(events, min_size=max_size // 2, max_size=max_size)
    story = st.lists(_STORY, min_size=3, max_size=10)
    return st.one_of(few, many, story, story).map(_numbered)
