import pyarrow as pa
import pytest

from features.blocks import block_of
from features.contract import PLAN_COLUMNS
from features.log import arrow_schema
from features.population import (
    PopulationCounts,
    population_counts,
    references_from,
    references_of,
)
from features.references import NO_REFERENCES
from tests.features.histories import at, events_of, moment
from tests.features.strategies import ROLLS
from tests.features.test_log import write_log

NO_PLANS = arrow_schema(PLAN_COLUMNS).empty_table()
APRIL = at("2024-04-01")


def plans_of(*rows):
    plans = [
        (plan, price, since and moment(since), allowance) for plan, price, since, allowance in rows
    ]
    named = [dict(zip(PLAN_COLUMNS, plan, strict=True)) for plan in plans]
    return pa.Table.from_pylist(named, schema=arrow_schema(PLAN_COLUMNS))


def subscribers(n, price, since="2024-01-10", label="Basic", prefix="c"):
    return [
        (f"{prefix}{number:03d}", "subscribe", since, {"amount": price, "label": label})
        for number in range(n)
    ]


def counts_of(*rows, as_of=APRIL, customers=None):
    return population_counts(block_of(events_of(*rows), customers, ROLLS, []), ROLLS, as_of)


def references(*rows, plans=NO_PLANS, as_of=APRIL):
    return references_from(counts_of(*rows, as_of=as_of), plans, ROLLS, as_of)


def test_without_a_plans_table_the_ladder_is_what_open_subscriptions_usually_pay():
    found = references(
        *subscribers(11, 10.0, prefix="a"),
        *subscribers(11, 12.0, prefix="b"),
        *subscribers(20, 30.0, label="Max", prefix="m"),
        *subscribers(20, 5.0, label=None, prefix="n"),
    )

    assert found.ladder == {"Basic": 1000, "Max": 3000}
    assert found.floor == 1000


def test_who_is_paused_counts_at_the_price_before_the_pause():
    pauses = [
        (f"c{number:03d}", "plan_change", "2024-03-01", {"amount": 0.0, "label": "Basic"})
        for number in range(15)
    ]

    found = references(*subscribers(25, 10.0), *pauses)

    assert found.ladder == {"Basic": 1000}
    assert found.typical_price == 1000


def test_a_plan_or_cohort_that_fewer_than_twenty_share_is_no_reference():
    nineteen = references(*subscribers(19, 10.0))
    left = references(*subscribers(20, 10.0), ("c003", "cancel", "2024-03-31"))
    twenty = references(*subscribers(20, 10.0), ("c003", "cancel", "2024-04-01"))

    assert nineteen == NO_REFERENCES
    assert left == NO_REFERENCES
    assert twenty.ladder == {"Basic": 1000}
    assert twenty.cohort_prices == {"2024-01": 1000}
    assert twenty.typical_price == 1000


def test_a_cohort_pays_the_lower_median_of_what_its_open_customers_pay_in_all():
    found = references(
        *subscribers(10, 10.0),
        *subscribers(10, 7.0, label="Less"),  # the same ten: their plan from the same day on
        *subscribers(10, 20.0, prefix="d"),
        *subscribers(25, 50.0, since="2023-12-31", prefix="e"),
    )

    assert found.cohort_prices == {"2023-12": 5000, "2024-01": 700}
    assert found.typical_price == 5000


def test_a_relationship_begins_when_the_customers_table_says_where_events_begin_later():
    rows = [(f"c{n:03d}", "renew", "2024-01-10", {"amount": 10.0}) for n in range(20)]
    customers = pa.table(
        {
            "customer_id": [f"c{n:03d}" for n in range(20)],
            "acquired_at": pa.array([moment("2020-02-29")] * 20, pa.timestamp("us", tz="UTC")),
        }
    )
    counts = counts_of(*rows, customers=customers)

    assert references_from(counts, NO_PLANS, ROLLS, APRIL).cohort_prices == {"2020-02": 1000}


def test_the_plans_table_gives_the_latest_prices_and_allowances_in_force():
    plans = plans_of(
        ("Basic", 9.99, None, 100.0),
        ("Basic", 11.5, "2024-03-31", 120.0),
        ("Basic", 99.0, "2024-04-01", 999.0),
        ("Max", 30.0, None, None),
        ("Later", 5.0, "2024-04-01", None),
    )

    found = references(*subscribers(30, 70.0), plans=plans)

    assert found.ladder == {"Basic": 1150, "Max": 3000}
    assert found.allowances == {"Basic": 120.0}


def test_a_plans_table_that_names_nothing_yet_leaves_the_ladder_to_the_population():
    plans = plans_of(("Later", 5.0, "2024-04-01", None))

    assert references(*subscribers(30, 70.0), plans=plans).ladder == {"Basic": 7000}


def test_what_was_recorded_at_or_after_the_instant_moves_no_reference():
    known = subscribers(40, 10.0)
    later = [
        (f"c{n:03d}", "plan_change", "2024-03-01", {"amount": 99.0, "recorded_at": "2024-04-01"})
        for n in range(40)
    ]
    after = [(f"c{n:03d}", "cancel", "2024-04-01") for n in range(40)]

    assert references(*known, *later, *after) == references(*known)


def test_counts_of_blocks_add_up_to_those_of_the_whole():
    first, second = subscribers(15, 10.0), subscribers(15, 20.0, prefix="d")

    assert counts_of(*first) + counts_of(*second) == counts_of(*first, *second)
    assert counts_of(*first) + PopulationCounts() == counts_of(*first)


@pytest.fixture
def log(tmp_path):
    rows = [
        *subscribers(20, 10.0),
        *[(f"c{n:03d}", "plan_change", "2024-02-01", {"amount": 20.0}) for n in range(20)],
        *[(f"c{n:03d}", "usage", "2024-02-01", {"amount": 1.0}) for n in range(20)],
    ]
    return write_log(tmp_path, {"first": events_of(*rows).to_pylist()})


def test_references_of_several_instants_are_those_of_each(log):
    early, late = references_of(log, ROLLS, [at("2024-02-01"), at("2024-02-02")])

    assert (early.typical_price, late.typical_price) == (1000, 2000)
    assert references_of(log, ROLLS, [at("2024-01-10")]) == (NO_REFERENCES,)


def test_a_shop_has_no_references(log):
    shop = ROLLS.model_copy(update={"contract": "transactional"})

    assert references_of(log, shop, [APRIL, APRIL]) == (NO_REFERENCES, NO_REFERENCES)
