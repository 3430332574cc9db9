"""Customers unlike all that training saw are told so, by value and range."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from features.blocks import Block
from features.catalogue import Vocabulary, catalogue
from features.profiles import unknown_profiles
from tests.features.histories import history_of
from tests.training.worlds import Trained, at, block_about
from training.bundle_files import load_bundle, save_bundle
from training.score_sums import sums_of
from training.score_table import score_rows, score_table
from training.scoring import score
from training.support import OUTSIDE, SLACK, drivers_of, levels_of, ranges_of

N = 40
_WHO = ("old", "gone")
SIGNALS = catalogue("subscription", Vocabulary(metrics=("data_gb",), levels={"seats": None}))
DRIVERS = [SIGNALS[column] for column in drivers_of(SIGNALS)]


def _ranges(first: Any, last: Any, landmark: Any) -> dict[str, tuple[float, float]]:
    tenure = [driver for driver in DRIVERS if driver.name == "tenure_months"]
    columns = (np.asarray(values, dtype=np.float32)[:, None] for values in (first, last))
    return ranges_of(tenure, *columns, np.asarray(landmark))


def test_drivers_are_tenure_price_activity_and_attributes_that_are_numbers() -> None:
    names = {driver.name for driver in DRIVERS}

    assert names == {"tenure_months", "mrr", "usage_events_30d", "data_gb_30d", "seats"}


def test_an_end_of_a_range_is_reached_by_twenty_customers_of_one_landmark() -> None:
    ages = np.arange(N, dtype=np.float64)

    ranges = _ranges(ages, ages + 6, np.zeros(N, dtype=np.int64))

    assert ranges == {"tenure_months": (19.0, N - 20 + 6.0)}


def test_rows_of_one_customer_at_many_landmarks_make_no_range() -> None:
    ages = np.arange(N, dtype=np.float64)

    assert _ranges(ages, ages, np.arange(N)) == {}


def test_what_is_missing_makes_no_end() -> None:
    ages = np.where(np.arange(N) < 20, 7.0, np.nan)

    assert _ranges(ages, ages, np.zeros(N, dtype=np.int64)) == {"tenure_months": (7.0, 7.0)}


def test_levels_are_counted_over_all_parts() -> None:
    parts = [{"country": Counter({"AT": 19, "DE": 12})}, {"country": Counter({"AT": 1, "DE": 3})}]

    assert levels_of(parts) == {"country": ("AT",)}


@pytest.fixture
def stranger(operator: Trained) -> Block:
    """Somebody twenty years with the operator, at a price that nobody pays."""
    history = history_of(
        ("old", "subscribe", "2003-01-01", {"amount": 900.0, "label": "Smart"}),
        ("new", "subscribe", "2022-12-01", {"amount": 10.0, "label": "Smart"}),
        ("gone", "subscribe", "2003-01-01", {"amount": 900.0, "label": "Smart"}),
        ("gone", "cancel", "2004-01-01", {}),
    )
    return block_about(history)


def test_a_customer_outside_is_told_value_and_range(operator: Trained, stranger: Block) -> None:
    as_of = at("2023-07-01")
    ranges = dict(_ends(operator))

    rows = score_rows(score(operator.bundle, stranger, as_of), operator.business)

    said = {row["customer_id"]: _outside(row["warnings"]) for row in rows}
    low, high = ranges["tenure_months"]
    assert high < 200
    assert f"tenure of 246 months; training saw {low:.0f} to {high:.0f}" in said["old"]
    assert any(text.startswith("monthly price of 900 EUR; training saw ") for text in said["old"])
    assert not any("tenure" in text for text in said["new"])
    assert said["gone"] == []


def test_a_customer_somewhat_beyond_an_end_is_not_warned_of(operator: Trained) -> None:
    low, high = dict(_ends(operator))["tenure_months"]
    somewhat = int(high + SLACK * (high - low))
    as_of = at("2023-07-01")
    began = np.datetime64("2023-07", "M") - np.array([somewhat, somewhat + 1])
    history = history_of(
        *(
            (name, "subscribe", f"{month}-01", {"amount": 10.0, "label": "Smart"})
            for name, month in zip(("near", "far"), began.astype(str), strict=True)
        )
    )

    rows = score_rows(score(operator.bundle, block_about(history), as_of), operator.business)

    tells = {
        row["customer_id"]: any("tenure" in said for said in _outside(row["warnings"]))
        for row in rows
    }
    assert tells == {"near": False, "far": True}


def test_hardly_anybody_at_the_cutoff_lies_outside(operator: Trained) -> None:
    scores = [score(operator.bundle, block, operator.known.cutoff) for block in operator.blocks]

    outside = sum(len(part.outside) for part in scores)
    there = sum(int(part.forecast.is_customer.sum()) for part in scores)
    assert outside / there < 0.05


def test_a_level_that_training_never_saw_is_named(operator: Trained) -> None:
    (attribute, levels) = next(iter(operator.bundle.model.support.levels.items()))
    history = history_of(
        ("ann", "subscribe", "2022-12-01", {"amount": 10.0, "label": "Smart"}),
        ("bob", "subscribe", "2022-12-01", {"amount": 10.0, "label": "Smart"}),
        ("eve", "subscribe", "2022-12-01", {"amount": 10.0, "label": "Smart"}),
    )
    profiles = unknown_profiles(3)
    profiles.attributes[attribute] = np.array([levels[0], "Atlantis", None], dtype=object)

    rows = score_rows(
        score(operator.bundle, Block(history, profiles), at("2023-07-01")), operator.business
    )

    named = [[said for said in _outside(row["warnings"]) if attribute in said] for row in rows]
    assert named == [
        [],
        [f"{attribute} 'Atlantis'; fewer than 20 customers in training had it"],
        [],
    ]


def test_a_shop_warns_of_rhythm_and_basket(shop: Trained) -> None:
    history = history_of(
        ("old", "payment", "1990-01-01", {"amount": 20.0}),
        ("rich", "payment", "2022-12-01", {"amount": 9000.0}),
    )

    rows = score_rows(score(shop.bundle, block_about(history), at("2023-01-01")), shop.business)

    old, rich = (_outside(row["warnings"]) for row in rows)
    assert old[0].startswith("time since the first purchase of 12,053 days; training saw ")
    assert rich[0].startswith("mean basket of 9,000 EUR; training saw ")


def test_a_bundle_read_back_warns_alike_and_sums_count_it(
    operator: Trained, stranger: Block, tmp_path: Path
) -> None:
    digest = save_bundle(operator.bundle, tmp_path / "model")
    again = load_bundle(tmp_path / "model", digest, "7")
    as_of = at("2023-07-01")

    tables = [
        score_table(score(bundle, stranger, as_of), operator.business)
        for bundle in (operator.bundle, again)
    ]

    assert tables[0].column("warnings") == tables[1].column("warnings")
    # Only the first is there: the second left, and the sum of nobody is 0.
    parts = [tables[1].filter(pc.equal(tables[1].column("customer_id"), who)) for who in _WHO]
    assert [sums_of(part, again).outside_training for part in parts] == [1, 0]


def _ends(world: Trained) -> list[tuple[str, tuple[float, float]]]:
    support = world.bundle.model.support
    return [(d.name, ends) for d, ends in zip(support.drivers, support.ranges, strict=True)]


def _outside(warnings: list[str]) -> list[str]:
    return [said.removeprefix(OUTSIDE) for said in warnings if said.startswith(OUTSIDE)]
