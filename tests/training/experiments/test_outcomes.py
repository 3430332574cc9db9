"""Outcomes by hand: who stayed, what they brought, on each customer's own clock."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from features.instants import instant_from_text
from tests.training.worlds import at, ingested_log, operator_business
from training.experiments.assignments import assignments_of
from training.experiments.effects import measured
from training.experiments.outcomes import Measure, outcomes_of

BUSINESS = operator_business(gross_margin=0.5, horizon_months=12)
ROWS = [
    *((who, "subscribe", "2024-01-01", 30.0, "Basic") for who in "abcde"),
    ("a", "assignment", "2024-04-01", None, "w/treated"),
    ("b", "assignment", "2024-04-01", None, "w/control"),
    ("b", "cancel", "2024-05-01", None, "voluntary"),
    ("c", "assignment", "2024-04-10", None, "w/treated"),
    ("c", "cancel", "2024-07-20", None, "voluntary"),
    ("d", "assignment", "2024-07-01", None, "w/control"),
    ("a", "contact", "2024-04-02", 5.0, "w"),
]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    ids, kinds, days, amounts, labels = zip(*ROWS, strict=True)
    events = pa.table(
        {
            "customer_id": list(ids),
            "kind": list(kinds),
            "occurred_at": [f"{day}T15:00:00Z" for day in days],
            "amount": pa.array(amounts, pa.float64()),
            "label": list(labels),
        }
    )
    return ingested_log(tmp_path_factory.mktemp("followed"), events, BUSINESS)


@pytest.fixture(scope="module")
def followed(log):
    assignments = assignments_of(log, "w", instant_from_text("2024-09-01"))
    measure = Measure(3, at("2024-09-01T00:00"), BUSINESS)
    return assignments, measure, outcomes_of(log, assignments, measure)


def of(followed, who):
    assignments, _, outcomes = followed
    return outcomes.only(assignments.customer_ids[outcomes.row] == who)


def test_a_window_that_is_not_over_is_left_out(followed):
    assignments, _, outcomes = followed

    assert sorted(assignments.customer_ids[outcomes.row]) == ["a", "b", "c"]


def test_who_stays_brings_margin_for_every_month(followed):
    found = of(followed, "a")

    assert found.stayed.tolist() == [1.0]
    assert found.margin == pytest.approx([45.0])
    assert found.activity.tolist() == [[1.0, 1.0, 1.0]]


def test_who_leaves_brings_margin_until_then(followed):
    # April, and of May the 15 hours until the cancellation.
    found, share_of_may = of(followed, "b"), 15 / (31 * 24)

    assert found.stayed.tolist() == [0.0]
    assert found.monthly_margin[0] == pytest.approx([15.0, 15.0 * share_of_may, 0.0])


def test_who_leaves_after_their_own_window_stayed(followed):
    assert of(followed, "c").stayed.tolist() == [1.0]


def test_without_a_model_outcomes_end_with_the_window(followed):
    found = of(followed, "a")

    assert found.monthly_margin.shape == (1, 3)
    assert np.isnan(found.value_before).all()


def test_too_few_customers_give_no_effect_but_counts(followed):
    assignments, measure, outcomes = followed
    found = measured(assignments.promised({}, 0.5), outcomes, measure)

    assert (found.status, found.effects) == ("too_few", ())
    assert (found.n_assigned, found.n_over) == (
        {"treated": 2, "control": 2},
        {"treated": 2, "control": 1},
    )
    assert found.ratio is not None
    assert found.ratio.p_value == 1.0


def test_before_any_window_is_over_it_is_too_early(log, followed):
    assignments, measure, _ = followed
    early = replace(measure, observed_until=at("2024-06-30T00:00"))
    found = measured(assignments, outcomes_of(log, assignments, early), early)

    assert found.status == "too_early"
    assert found.first_over_at == at("2024-07-01T00:00")
    assert found.all_over_at == at("2024-10-01T00:00")
