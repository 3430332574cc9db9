"""Random worlds for the kernel and the SQL form: customers with facts, events, instants."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from random import Random

import duckdb
import pyarrow as pa

from features.catalogue import Vocabulary, catalogue
from features.instants import instant_of
from features.log import EVENT_SCHEMA
from features.references import References
from features.rules import CustomerRules
from features.signal import Signal
from tests.features.random_events import (
    ANCHORS,
    METRICS,
    Event,
    random_as_of,
    random_customer,
    random_references,
)
from tests.features.sql_form.form import SqlForm
from tests.features.sql_form.parity import Business, Difference, differences

VOCABULARY = Vocabulary(
    metrics=METRICS,
    levels={"country": ("AT", "DE"), "age": None},
    severities=("high", "low"),
    extra_revenue=("setup fee", "it's"),
    has_allowances=True,
)
MOST_CUSTOMERS = 4000
CUSTOMER_IDS = tuple(f"c{number:04d}" for number in range(MOST_CUSTOMERS))
_FACTS = pa.schema(
    {
        "customer_id": pa.string(),
        "country": pa.string(),
        "age": pa.int64(),
        "acquired_at": pa.timestamp("us", "UTC"),
        "referred_by": pa.string(),
    }
)


def whole_catalogue(vocabulary: Vocabulary = VOCABULARY) -> tuple[Signal, ...]:
    """Return every signal of both contracts, each once, and of each metric's allowance."""
    of_one = [replace(vocabulary, metrics=(metric,)) for metric in vocabulary.metrics]
    every = [*catalogue("transactional", vocabulary)]
    for words in (vocabulary, *of_one):
        every += catalogue("subscription", words)
    return tuple({signal.name: signal for signal in every}.values())


@cache
def _facts() -> pa.Table:
    rng = Random(0)
    facts = [
        {
            "customer_id": customer_id,
            "country": rng.choice(("AT", "DE", "FR", None)),
            "age": rng.choice((None, 3, 41)),
            "acquired_at": rng.choice((None, *ANCHORS)),
            "referred_by": rng.choice((None, "c0000")),
        }
        for customer_id in CUSTOMER_IDS[::2]
    ]
    return pa.Table.from_pylist(facts, _FACTS)


def business_of(rules: CustomerRules, signals: Sequence[Signal] | None = None) -> Business:
    """Return a business with a customers table that knows every second customer."""
    every = whole_catalogue() if signals is None else tuple(signals)
    return Business(every, rules, tuple(VOCABULARY.levels), _facts())


_FORMS: dict[str, SqlForm] = {}


def form_of(rules: CustomerRules) -> SqlForm:
    """Return the SQL form of the whole catalogue, prepared once for these rules."""
    key = repr(rules)
    if key not in _FORMS:
        _FORMS[key] = new_form(business_of(rules))
    return _FORMS[key]


def new_form(business: Business) -> SqlForm:
    """Return the SQL form of a business, in a database of its own."""
    connection = duckdb.connect(config={"threads": 1})
    return SqlForm(connection, business.signals, business.rules, business.customers)


@dataclass(frozen=True)
class World:
    """Hold the events of some customers and the instants to look from."""

    events: pa.Table
    references: dict[int, References]

    def differences(self, rules: CustomerRules) -> list[Difference]:
        """Return where kernel and SQL form differ on the whole catalogue."""
        return differences(business_of(rules), form_of(rules), self.events, self.references)


def random_world(
    rng: Random, rules: CustomerRules, n_customers: int, most: int, n_instants: int
) -> World:
    """Return a world of random customers; every second instant is one of an event."""
    ids = CUSTOMER_IDS[:n_customers]
    events = [event for who in ids for event in random_customer(rng, who, most)]
    instants = [
        _instant_of_an_event(rng, events) if number % 2 else random_as_of(rng)
        for number in range(n_instants)
    ]
    known = {instant_of(at): random_references(rng, rules.minor_units) for at in instants}
    return World(pa.Table.from_pylist(events, EVENT_SCHEMA), known)


def _instant_of_an_event(rng: Random, events: Sequence[Event]) -> datetime:
    if not events:
        return random_as_of(rng)
    event = rng.choice(events)
    instant: datetime = event["effective_at"] or event["recorded_at"]
    return instant
