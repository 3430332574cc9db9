import numpy as np
import pyarrow as pa
import pytest

from features.history import EVENT_ARRAYS, MISSING, history_from_events
from features.mistakes import ConfigurationError
from tests.features.histories import at, events_of, history_of


def test_events_stand_by_customer_then_time_then_id_whatever_their_order():
    rows = [
        ("bob", "usage", "2024-01-02", {"event_id": "c", "amount": 3.0}),
        ("ann", "usage", "2024-01-05", {"event_id": "d", "amount": 4.0}),
        ("bob", "usage", "2024-01-02", {"event_id": "b", "amount": 2.0}),
        ("bob", "usage", "2024-01-01", {"event_id": "e", "amount": 1.0}),
    ]

    history = history_of(*rows)

    assert history.customer_ids.tolist() == ["ann", "bob"]
    assert history.offsets.tolist() == [0, 1, 4]
    assert history.value.tolist() == [4000, 1000, 2000, 3000]


def test_money_is_in_minor_units_and_quantities_in_thousandths():
    table = events_of(
        ("ann", "payment", "2024-01-01", {"amount": 19.99}),
        ("ann", "usage", "2024-01-02", {"amount": 0.125}),
        ("ann", "review", "2024-01-03"),
        ("ann", "renew", "2024-01-04", {"amount": 5.0, "list_amount": 7.5}),
    )

    euros, yen = history_from_events(table, 100), history_from_events(table, 1)

    assert euros.value.tolist() == [1999, 125, MISSING, 500]
    assert euros.list_value.tolist() == [MISSING, MISSING, MISSING, 750]
    assert yen.value.tolist() == [20, 125, MISSING, 5]


def test_an_event_is_visible_once_it_both_occurred_and_was_recorded():
    history = history_of(
        ("ann", "support", "2024-01-01", {"recorded_at": "2024-01-05"}),
        ("ann", "support", "2024-01-02", {"recorded_at": "2024-01-01"}),
        ("ann", "support", "2024-01-03"),
    )

    seen = {
        day: len(history.visible_before(at(f"2024-01-0{day}")).occurred) for day in (2, 3, 4, 5, 6)
    }

    assert seen == {2: 0, 3: 1, 4: 2, 5: 2, 6: 3}


def test_an_event_without_recorded_at_and_effective_at_was_known_and_acted_at_once():
    table = events_of(("ann", "cancel", "2024-01-05"))
    unknown = pa.nulls(1, pa.timestamp("us", "UTC"))
    table = table.set_column(table.column_names.index("recorded_at"), "recorded_at", unknown)

    history = history_from_events(table, 100)

    assert history.visible.tolist() == history.effective.tolist() == [at("2024-01-05")]


def test_the_customers_asked_for_are_held_in_their_order_even_without_events():
    table = events_of(("ann", "support", "2024-01-01"), ("cem", "support", "2024-01-02"))

    history = history_from_events(table, 100, ["cem", "bob", "ann"])

    assert history.offsets.tolist() == [0, 1, 1, 2]
    assert history.customer.tolist() == [0, 2]


def test_some_customers_of_a_block_keep_their_events():
    history = history_of(
        ("ann", "support", "2024-01-01"),
        ("bob", "support", "2024-01-02"),
        ("bob", "support", "2024-01-03"),
        ("cem", "support", "2024-01-04"),
    )

    fewer = history.customers(np.array([1, 2]))

    assert fewer.customer_ids.tolist() == ["bob", "cem"]
    assert fewer.offsets.tolist() == [0, 2, 3]
    assert fewer.occurred.tolist() == [at("2024-01-02"), at("2024-01-03"), at("2024-01-04")]


def test_the_same_subscription_or_basket_name_of_two_customers_is_two():
    history = history_of(
        ("ann", "payment", "2024-01-01", {"amount": 1.0, "basket_id": "x"}),
        ("ann", "payment", "2024-01-02", {"amount": 1.0, "basket_id": "x"}),
        ("bob", "payment", "2024-01-01", {"amount": 1.0, "basket_id": "x"}),
        ("bob", "payment", "2024-01-02", {"amount": 1.0}),
    )

    assert history.basket.tolist() == [1, 1, 2, 0]
    assert history.subscription.tolist() == [0, 0, 0, 0]


def test_usage_in_bytes_of_a_whole_population_is_no_mistake():
    who = [(f"c{number}", "usage", "2024-01-01", {"amount": 1e12}) for number in range(20)]

    history = history_of(*who, ("c0", "usage", "2024-01-02", {"amount": 1e12}))

    assert history.value.sum() == 21 * 10**15


def test_usage_is_counted_in_what_the_scale_of_its_metric_says():
    table = events_of(
        ("ann", "usage", "2024-01-01", {"amount": 0.000125, "label": "gigabytes"}),
        ("ann", "usage", "2024-01-02", {"amount": 4.0, "label": "logins"}),
        ("ann", "usage", "2024-01-03", {"amount": 2.5, "label": "minutes"}),
        ("ann", "usage", "2024-01-04", {"amount": 2.5}),
        ("ann", "payment", "2024-01-05", {"amount": 2.5, "label": "gigabytes"}),
        ("ann", "review", "2024-01-06", {"amount": 2.5, "label": "logins"}),
    )

    history = history_from_events(table, 100, usage_scale={"gigabytes": 10**6, "logins": 1})

    assert history.value.tolist() == [125, 4, 2500, 2500, 250, 2500]


def test_usage_too_large_for_its_scale_is_refused_with_its_metric():
    table = events_of(("ann", "usage", "2024-01-01", {"amount": 1e12, "label": "bytes"}))

    with pytest.raises(ConfigurationError) as error:
        history_from_events(table, 100, usage_scale={"bytes": 10**6})

    (mistake,) = error.value.mistakes
    assert str(mistake) == (
        "amount of usage of 'bytes' is 1e+12; expected at most 9e+09 at a scale of 1000000; "
        "declare a smaller one in [features.usage_scale]"
    )


def test_a_table_without_rows_is_a_history_without_customers():
    history = history_of()

    assert history.n_customers == 0
    assert all(len(getattr(history, name)) == 0 for name in EVENT_ARRAYS)
    assert history.visible_before(at("2024-01-01")).offsets.tolist() == [0]
