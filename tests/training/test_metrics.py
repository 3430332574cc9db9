"""Metrics by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.metrics import (
    calibration_error,
    capture,
    churn_metrics,
    decile_error,
    interval_metrics,
    normalised_gini,
    spearman,
    value_metrics,
)

LEFT = np.array([True, False, False, True])


def test_churn_metrics_by_hand() -> None:
    metrics = churn_metrics(np.array([0.8, 0.4, 0.1, 0.3]), LEFT)

    assert (metrics["n_customers"], metrics["n_outcomes"]) == (4, 2)
    assert metrics["log_loss"] == pytest.approx(-np.log([0.8, 0.6, 0.9, 0.3]).mean())
    assert metrics["brier"] == pytest.approx((0.04 + 0.16 + 0.01 + 0.49) / 4)
    assert metrics["auc"] == 0.75  # of the four pairs, .3 against .4 is the wrong way round
    assert metrics["predicted_actual"] == pytest.approx(1.6 / 2)


@pytest.mark.parametrize("everybody", [True, False])
def test_a_one_sided_outcome_has_no_auc(*, everybody: bool) -> None:
    metrics = churn_metrics(np.array([0.2, 0.4]), np.full(2, everybody))

    assert metrics["auc"] is None
    assert (metrics["predicted_actual"] is None) is not everybody


def test_a_certain_answer_that_was_wrong_costs_a_finite_loss() -> None:
    metrics = churn_metrics(np.array([0.0, 1.0]), np.array([True, True]))

    assert metrics["log_loss"] == pytest.approx(-np.log(1e-6) / 2, rel=1e-6)


def test_value_metrics_by_hand() -> None:
    metrics = value_metrics(np.array([10.0, 0.0, -5.0]), np.array([8.0, 4.0, -10.0]))

    assert metrics["rmse"] == pytest.approx(np.sqrt((4 + 16 + 25) / 3))
    assert metrics["wape"] == pytest.approx((2 + 4 + 5) / 22)
    assert metrics["predicted_actual"] == pytest.approx(5 / 2)
    assert metrics["spearman"] == 1.0


def test_gini_is_one_for_the_right_order_minus_one_for_the_reverse() -> None:
    actual = np.array([0.0, 1.0, 5.0, 20.0])

    assert normalised_gini(actual * 3 + 7, actual) == pytest.approx(1.0)
    assert normalised_gini(-actual, actual) == pytest.approx(-1.0)


def test_ties_in_prediction_count_half_each_way() -> None:
    actual = np.array([0.0, 10.0])

    assert normalised_gini(np.array([3.0, 3.0]), actual) == 0.0
    # Ranks 1.5, 1.5, 3 against 1, 2, 3 with value 0, 4, 8: (30 x 2/12 - 4) over (32 x 2/12 - 4).
    three = np.array([0.0, 4.0, 8.0])
    assert normalised_gini(np.array([1.0, 1.0, 2.0]), three) == pytest.approx(1.0 / (4 / 3))


def test_gini_and_rank_correlation_need_values_that_differ() -> None:
    same = np.full(3, 2.0)

    assert normalised_gini(np.arange(3.0), same) is None
    assert normalised_gini(np.arange(3.0), np.array([-1.0, 0.0, 0.5])) is None
    assert spearman(np.arange(3.0), same) is None
    assert spearman(same, np.arange(3.0)) is None


def test_decile_error_compares_totals_of_tenths_by_prediction() -> None:
    actual = np.repeat(np.arange(1.0, 11.0), 2)

    assert decile_error(actual, actual) == 0.0
    assert decile_error(actual * 1.1, actual) == pytest.approx(0.1)
    half_wrong = np.where(actual > 5, actual * 1.2, actual)
    assert decile_error(half_wrong, actual) == pytest.approx(0.1)


def test_a_tenth_that_brought_nothing_is_left_out_of_the_decile_error() -> None:
    assert decile_error(np.array([1.0, 2.0]), np.array([0.0, 4.0])) == 0.5
    assert decile_error(np.array([1.0]), np.array([0.0])) is None


@given(arrays(np.float64, 12, elements=st.integers(0, 5).map(float)), st.permutations(range(12)))
def test_the_order_of_customers_does_not_matter_to_ranks(
    predicted: np.ndarray, order: list[int]
) -> None:
    actual = np.arange(12.0)

    shuffled = normalised_gini(predicted[order], actual[order])

    assert shuffled == pytest.approx(normalised_gini(predicted, actual))


@given(arrays(np.float64, 30, elements=st.integers(0, 5).map(float)), st.permutations(range(30)))
def test_the_order_of_customers_does_not_matter_to_tenths(
    predicted: np.ndarray, order: list[int]
) -> None:
    actual = np.arange(30.0)
    left = actual % 3 == 0

    shuffled = predicted[order], actual[order]

    assert decile_error(*shuffled) == pytest.approx(decile_error(predicted, actual))
    assert capture(*shuffled, 0.1) == pytest.approx(capture(predicted, actual, 0.1))
    calibrated = calibration_error(predicted[order] / 5, left[order])
    assert calibrated == pytest.approx(calibration_error(predicted / 5, left))


def test_one_prediction_for_all_is_right_in_every_tenth_if_it_is_right_in_total() -> None:
    actual = np.arange(20.0)

    assert decile_error(np.full(20, 9.5), actual) == pytest.approx(0.0)
    assert decile_error(np.full(20, 19.0), actual) == pytest.approx(1.0)


def test_capture_is_the_value_of_the_top_by_prediction() -> None:
    actual = np.array([50.0, 20.0, 10.0, 10.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0])

    assert capture(actual, actual, 0.1) == pytest.approx(0.5)
    assert capture(actual, actual, 0.2) == pytest.approx(0.7)
    assert capture(-actual, actual, 0.2) == pytest.approx(0.02)
    assert capture(actual, actual, 0.15) == pytest.approx(0.6)  # half of the second customer
    assert capture(np.zeros(10), actual, 0.2) == pytest.approx(0.2)  # chance


def test_capture_needs_value_to_capture() -> None:
    assert capture(np.arange(3.0), np.array([-1.0, 0.0, 1.0]), 0.2) is None


def test_calibration_error_compares_probability_with_share_by_tenth() -> None:
    probability = np.repeat([0.2, 0.6], 50)
    left = np.tile([True, False, False, False, False], 20)  # a fifth of everybody

    assert calibration_error(probability, left) == pytest.approx((0.0 + 0.4) / 2)


def test_intervals_hold_their_ends_and_are_counted_by_tenth_and_among_those_who_left():
    mean = np.arange(20.0)
    low, high = mean - 1, mean + 1
    actual = mean + np.where(np.arange(20) < 2, 3.0, 1.0)
    left = np.arange(20) % 2 == 0

    found = interval_metrics(low, high, actual, mean, left)

    assert found["coverage"] == pytest.approx(18 / 20)
    assert found["coverage_by_tenth"] == [0.0] + [1.0] * 9
    assert found["coverage_left"] == pytest.approx(9 / 10)
    assert found["mean_width"] == 2


def test_coverage_among_those_who_left_is_unknown_where_nobody_did():
    one = np.ones(1)

    assert interval_metrics(one, one, one, one, np.zeros(1, bool))["coverage_left"] is None
