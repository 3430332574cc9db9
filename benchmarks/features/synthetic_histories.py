"""Seeded synthetic subscription histories, as columns of the contract: heavy-tailed, partly late.

Nothing here is like any customer: the mix of kinds and the shapes are chosen to cost the engine
what a real log would cost it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.features.synthetic_tables import (
    DAY,
    EVENTS_PER_CUSTOMER,
    EXTRA_REVENUE,
    FIRST_DAY,
    LATE_SHARE,
    METRICS,
    MOST_EVENTS,
    N_DAYS,
    PLANS,
    PRICES,
    PRICES_RISE,
    RISEN_PRICES,
    SEVERITIES,
    instants_column,
    named,
    texts,
)

_LABELS: dict[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "usage": (METRICS, (0.55, 0.3, 0.15)),
    "support": (SEVERITIES, (0.5, 0.35, 0.15)),
    "support_resolved": (SEVERITIES, (0.5, 0.35, 0.15)),
    "payment": (("subscription", EXTRA_REVENUE), (0.9, 0.1)),
    "payment_failed": (("card expired", "no funds"), (0.5, 0.5)),
    "refund": (("subscription", EXTRA_REVENUE), (0.9, 0.1)),
    "cost": (("shipment",), (1.0,)),
    "review": (("store", "mail"), (0.5, 0.5)),
    "referral": (("mail",), (1.0,)),
    "referral_joined": (("newcomer",), (1.0,)),
    "contact": (("spring", "autumn"), (0.5, 0.5)),
    "offer": (("spring", "autumn"), (0.5, 0.5)),
}
_A_YEAR: dict[str, float] = {"payment": 12.0, "plan_change": 0.8, "renew": 1.2, "contact": 4.0}
"""Kinds that come by the calendar: expected number in two years is at most twice this."""
_A_HUNDRED: dict[str, float] = {
    "payment": 15.0,
    "plan_change": 1.5,
    "renew": 2.0,
    "contact": 3.0,
    "payment_failed": 1.2,
    "support": 3.0,
    "support_resolved": 2.5,
    "refund": 0.4,
    "cost": 0.6,
    "review": 0.6,
    "referral": 0.4,
    "referral_joined": 0.1,
    "offer": 0.3,
}
"""How many of a hundred events are of a kind, where the calendar does not ask for fewer."""
KINDS = ("usage", *_A_HUNDRED, "subscribe", "cancel", "cancel_withdrawn")
_CODE = {kind: code for code, kind in enumerate(KINDS)}
_PLAN_CODES = [_CODE["subscribe"], _CODE["plan_change"], _CODE["renew"]]


@dataclass(frozen=True)
class Rows:
    """Hold the customer, position in the history, kind and instant of each event of a slab."""

    customer: NDArray[np.int64]
    position: NDArray[np.int64]
    from_end: NDArray[np.int64]
    kind: NDArray[np.int64]
    occurred: NDArray[np.int64]


def history_sizes(rng: np.random.Generator, n_events: int) -> NDArray[np.int64]:
    """Return how many events each customer has: lognormal, 1 to 5,000, summing to `n_events`."""
    n_customers = max(1, n_events // EVENTS_PER_CUSTOMER)
    sizes = rng.lognormal(0.0, 1.3, n_customers)
    sizes = np.clip(sizes * (n_events / sizes.sum()), 1, MOST_EVENTS).astype(np.int64)
    missing = n_events - int(sizes.sum())
    np.add.at(sizes, rng.integers(0, n_customers, max(missing, 0)), 1)
    return np.minimum(sizes, MOST_EVENTS)


def slabs(seed: int, n_events: int, events_in_slab: int = 1_000_000) -> Iterator[pa.Table]:
    """Yield the events of all customers, some customers at a time; the seed settles every value."""
    sizes = history_sizes(np.random.default_rng(seed), n_events)
    ends = np.cumsum(sizes)
    edges = np.searchsorted(ends, np.arange(events_in_slab, n_events, events_in_slab))
    customer = event = 0
    for number, part in enumerate(np.split(sizes, edges)):
        rng = np.random.default_rng([seed, number])
        yield events_of(rng, part, customer, event)
        customer, event = customer + len(part), event + int(part.sum())


def events_of(
    rng: np.random.Generator, sizes: NDArray[np.int64], first_customer: int, first_event: int
) -> pa.Table:
    """Return the events of customers with histories of these sizes, as columns of the contract."""
    rows = _rows(rng, sizes)
    n_rows = len(rows.kind)
    occurred, recorded = rows.occurred, _recorded(rng, rows.occurred)
    label, amount, list_amount, term = _contents(rng, rows)
    ids = np.arange(first_event, first_event + n_rows)
    return pa.table(
        {
            "event_id": named("e", pa.array(ids)),
            "customer_id": named("c", pa.array(rows.customer + first_customer)),
            "kind": texts(rows.kind, KINDS),
            "occurred_at": instants_column(occurred),
            "recorded_at": instants_column(recorded, recorded > occurred),
            "effective_at": _effective(rng, rows),
            "subscription_id": _subscription(rng, rows, len(sizes)),
            "amount": pa.array(amount, pa.float64(), from_pandas=True),
            "list_amount": pa.array(list_amount, pa.float64(), from_pandas=True),
            "label": label,
            "term_months": pa.array(term, pa.int32(), mask=term < 0),
        }
    )


def _rows(rng: np.random.Generator, sizes: NDArray[np.int64]) -> Rows:
    customer = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.cumsum(sizes)
    row = np.arange(len(customer))
    position, from_end = row - (ends - sizes)[customer], ends[customer] - 1 - row
    began = np.where(rng.random(len(sizes)) < 0.3, 0.0, rng.random(len(sizes)) * (N_DAYS - 40))
    lasted = (N_DAYS - began) * np.where(rng.random(len(sizes)) < 0.3, rng.random(len(sizes)), 1.0)
    days = (
        began[customer]
        + np.where(position == 0, 0.0, rng.random(len(customer))) * (lasted[customer])
    )
    occurred = FIRST_DAY + (days * 86_400).astype(np.int64) * 1_000_000
    occurred = occurred[np.lexsort((occurred, customer))]
    kind = _kinds(rng, sizes, customer)
    is_leaving = rng.random(len(sizes)) < 0.3
    is_wavering = (rng.random(len(sizes)) < 0.02) & (sizes > 6)
    kind[position == 0] = _CODE["subscribe"]
    kind[(from_end == 0) & (position > 1) & is_leaving[customer]] = _CODE["cancel"]
    kind[(from_end == 4) & is_wavering[customer]] = _CODE["cancel"]
    kind[(from_end == 3) & is_wavering[customer]] = _CODE["cancel_withdrawn"]
    return Rows(customer, position, from_end, kind, occurred)


def _kinds(
    rng: np.random.Generator, sizes: NDArray[np.int64], customer: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Draw kinds: by the hundred events, but what the calendar asks for at most twice a year's."""
    draw = rng.random(len(customer))
    kind = np.zeros(len(customer), dtype=np.int64)
    edge = np.zeros(len(sizes))
    for name, of_hundred in _A_HUNDRED.items():
        most = 2 * _A_YEAR.get(name, np.inf) / sizes
        later_edge = edge + np.minimum(of_hundred / 100, most)
        kind[(draw >= edge[customer]) & (draw < later_edge[customer])] = _CODE[name]
        edge = later_edge
    return kind


def _recorded(rng: np.random.Generator, occurred: NDArray[np.int64]) -> NDArray[np.int64]:
    late = rng.random(len(occurred)) < LATE_SHARE
    delay = (rng.exponential(5.0, len(occurred)) * 86_400).astype(np.int64) * 1_000_000
    return np.where(late, occurred + delay, occurred)


def _contents(
    rng: np.random.Generator, rows: Rows
) -> tuple[pa.Array, NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return label, amount, list amount (NaN is null) and term (-1 is null)."""
    n_rows = len(rows.kind)
    amount, list_amount = np.full(n_rows, np.nan), np.full(n_rows, np.nan)
    term = np.full(n_rows, -1)
    words = sorted(
        {word for labels, _ in _LABELS.values() for word in labels} | {*PLANS, "voluntary"}
    )
    label = np.full(n_rows, -1)
    for kind, (labels, shares) in _LABELS.items():
        of_kind = np.flatnonzero(rows.kind == _CODE[kind])
        drawn = rng.choice(len(labels), len(of_kind), p=shares)
        label[of_kind] = np.array([words.index(word) for word in labels])[drawn]
        amount[of_kind] = _amounts(rng, kind, len(of_kind))
    label[rows.kind == _CODE["cancel"]] = words.index("voluntary")
    planned = np.flatnonzero(np.isin(rows.kind, _PLAN_CODES))
    plan, price, discounted, months = _plans(rng, rows, planned)
    label[planned] = np.array([words.index(word) for word in PLANS])[plan]
    amount[planned] = np.where(discounted, np.round(price * 0.8, 2), price)
    list_amount[planned] = np.where(discounted, price, np.nan)
    term[planned] = months
    return texts(label, tuple(words)), amount, list_amount, term


def _amounts(rng: np.random.Generator, kind: str, n_rows: int) -> NDArray[np.float64]:
    if kind == "usage":
        return np.round(rng.exponential(8.0, n_rows), 1)
    if kind == "review":
        return rng.integers(1, 6, n_rows).astype(np.float64)
    if kind in ("support", "support_resolved", "referral", "referral_joined"):
        return np.full(n_rows, np.nan)
    return np.round(rng.gamma(2.0, 12.0, n_rows), 2)


def _plans(
    rng: np.random.Generator, rows: Rows, planned: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Draw a plan at each subscribe and change; a renewal keeps the plan held before it."""
    chosen = rows.kind[planned] != _CODE["renew"]
    latest = np.maximum.accumulate(np.where(chosen, np.arange(len(planned)), -1))
    plan = rng.integers(0, len(PLANS), len(planned))[latest]
    has_risen = rows.occurred[planned] >= PRICES_RISE
    price = np.where(has_risen, RISEN_PRICES[plan], PRICES[plan])
    discounted = (rng.random(len(planned)) < 0.2)[latest] & chosen
    months = np.where(rng.random(len(planned)) < 0.4, 12, -1)[latest]
    return plan, price, discounted, months


def _effective(rng: np.random.Generator, rows: Rows) -> pa.Array:
    """Book one change in seven for later, and give notice with half of the cancellations."""
    drawn = rng.random(len(rows.kind))
    booked = (rows.kind == _CODE["plan_change"]) & (drawn < 0.15)
    noticed = (rows.kind == _CODE["cancel"]) & (drawn < 0.5)
    ahead = rng.integers(1, 31, len(rows.kind)) * DAY
    return instants_column(rows.occurred + ahead, booked | noticed)


def _subscription(rng: np.random.Generator, rows: Rows, n_customers: int) -> pa.Array:
    """Open a second subscription with the first plan change of three customers in a hundred."""
    has_two = rng.random(n_customers) < 0.03
    second = has_two[rows.customer] & (rows.kind == _CODE["plan_change"]) & (rows.from_end % 2 == 0)
    return pa.array(np.where(second, "second", None), pa.string())
