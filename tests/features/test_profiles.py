from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from features.blocks import block_of
from features.kernel import Moment
from features.months import NEVER
from features.profiles import profiles_of, unknown_profiles
from features.references import NO_REFERENCES
from tests.features.histories import at, events_of
from tests.features.strategies import ROLLS

TABLE = pa.table(
    {
        "customer_id": ["bob", "ann"],
        "acquired_at": pa.array(
            [None, datetime(2024, 1, 5, tzinfo=UTC)], pa.timestamp("us", tz="UTC")
        ),
        "acquisition_cost": [12.5, None],
        "country": ["AT", None],
        "age": [41, None],
    }
)


def test_facts_come_in_the_order_of_the_customers_asked_for():
    profiles = profiles_of(TABLE, ["ann", "stranger", "bob"], ["country", "age"])

    assert profiles.acquired.tolist() == [at("2024-01-05"), NEVER, NEVER]
    np.testing.assert_array_equal(profiles.acquisition_cost, [np.nan, np.nan, 12.5])
    assert profiles.acquisition_channel.tolist() == [None, None, None]


def test_a_level_is_a_flag_and_a_number_stands_for_itself():
    profiles = profiles_of(TABLE, ["ann", "stranger", "bob"], ["country", "age"])

    np.testing.assert_array_equal(profiles.value("country", "AT"), [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(profiles.value("country", "DE"), [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(profiles.value("age", None), [np.nan, np.nan, 41.0])


def test_an_attribute_that_nobody_has_is_missing():
    profiles = profiles_of(TABLE, ["bob"], ["colour"])

    np.testing.assert_array_equal(profiles.value("colour", "red"), [0.0])
    np.testing.assert_array_equal(profiles.value("never declared", None), [np.nan])


def test_without_a_customers_table_nothing_is_known():
    for table in (None, TABLE.slice(0, 0)):
        profiles = profiles_of(table, ["ann", "bob"], ["country"])
        assert profiles.acquired.tolist() == [NEVER, NEVER]
        np.testing.assert_array_equal(profiles.value("country", "AT"), [0.0, 0.0])


def test_profiles_of_some_customers_are_theirs():
    profiles = profiles_of(TABLE, ["ann", "bob"], ["age"]).customers(np.array([1]))

    assert profiles.acquisition_cost.tolist() == [12.5]
    assert profiles.value("age", None).tolist() == [41.0]
    assert len(unknown_profiles(3).customers(np.array([0, 2])).acquired) == 2


def test_attributes_of_who_was_acquired_later_are_not_known_yet():
    table = pa.table(
        {
            "customer_id": ["ann", "bob", "cem"],
            "acquired_at": pa.array(
                [datetime(2024, 1, 5, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC), None],
                pa.timestamp("us", tz="UTC"),
            ),
            "country": ["AT", "AT", "AT"],
            "age": [41, 42, 43],
            "referred_by": ["x", "x", "x"],
        }
    )

    then = profiles_of(table, ["ann", "bob", "cem"], ["country", "age"]).known_at(at("2024-02-01"))

    assert then.value("country", "AT").tolist() == [1, 0, 1]
    assert then.other_level("country", ()).tolist() == [1, 0, 1]
    np.testing.assert_array_equal(then.value("age", None), [41, np.nan, 43])
    assert then.is_referred.tolist() == [True, False, True]


def test_who_has_no_date_is_known_once_an_event_of_theirs_is_visible():
    table = pa.table(
        {"customer_id": ["ann", "bob"], "country": ["AT", "AT"], "referred_by": ["x", "x"]}
    )
    events = events_of(("ann", "support", "2024-01-31"), ("bob", "support", "2024-02-01"))
    block = block_of(events, table, ROLLS, ["country"])
    then, later = (
        Moment(block.history, block.profiles, at(day), ROLLS, NO_REFERENCES).profiles
        for day in ("2024-02-01", "2024-02-02")
    )

    assert then.value("country", "AT").tolist() == [1, 0]
    assert then.is_referred.tolist() == [True, False]
    assert later.value("country", "AT").tolist() == [1, 1]
