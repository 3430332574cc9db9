"""The tenure anchor: published survival, recovered curves, and counts by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln

from features.timeline import Timeline, timeline_of
from tests.features.histories import history_of
from tests.training.worlds import at, operator_business
from training.anchor import TenureAnchor, TenureCounts, fit_anchor, tenure_counts
from valuation.survival import survival_from_hazard

HIGH_END = TenureAnchor(a=0.668, b=3.806, c=1.0, last_month=100)
"""Fader and Hardie (2007), "How to Project Customer Retention", the "High End" segment."""


RETAINED = np.array([1.000, 0.869, 0.743, 0.653, 0.593, 0.551, 0.517, 0.491])
"""Share of the High End cohort still there after 0 to 7 years, as printed there."""


def _log_likelihood_of_high_end(a: float, b: float) -> float:
    """Return that of 1,000 customers, of whom RETAINED are still there."""
    survival = survival_from_hazard(TenureAnchor(a, b, 1.0, 7).hazard(np.arange(1.0, 8.0))[None, :])
    leaving = -np.diff(survival[0], prepend=1.0)
    lost = -np.diff(RETAINED) * 1000
    return float(lost @ np.log(leaving) + 1000 * RETAINED[-1] * np.log(survival[0, -1]))


def test_published_parameters_of_the_high_end_segment_are_the_likeliest() -> None:
    best = _log_likelihood_of_high_end(0.668, 3.806)

    for a, b in ((0.66, 3.806), (0.676, 3.806), (0.668, 3.76), (0.668, 3.85), (0.71, 4.1)):
        assert _log_likelihood_of_high_end(a, b) < best


def test_a_fit_on_the_high_end_segment_follows_its_retention() -> None:
    customers = 1000 * RETAINED

    fitted = fit_anchor(TenureCounts(customers[:-1], -np.diff(customers)))

    survival = survival_from_hazard(fitted.hazard(np.arange(1.0, 8.0))[None, :])[0]
    np.testing.assert_allclose(survival, RETAINED[1:], atol=0.025)


@given(a=st.floats(0.05, 20), b=st.floats(0.05, 50))
def test_with_c_of_one_the_hazard_is_that_of_the_shifted_beta_geometric(a: float, b: float) -> None:
    month = np.arange(1.0, 40.0)
    anchor = TenureAnchor(a, b, 1.0, last_month=39)

    np.testing.assert_allclose(anchor.hazard(month), a / (a + b + month - 1), rtol=1e-6)


@given(a=st.floats(0.1, 5), b=st.floats(0.5, 50), c=st.floats(0.25, 1.9))
def test_hazards_multiply_to_the_beta_discrete_weibull_survival(
    a: float, b: float, c: float
) -> None:
    month = np.arange(1.0, 25.0)
    survival = np.cumprod(1 - TenureAnchor(a, b, c, last_month=24).hazard(month))

    closed_form = np.exp(betaln(a, b + month**c) - betaln(a, b))
    np.testing.assert_allclose(survival, closed_form, rtol=1e-8)


def test_beyond_the_last_month_seen_the_hazard_stays_level() -> None:
    anchor = TenureAnchor(0.668, 3.806, 1.0, last_month=6)

    hazard = anchor.hazard(np.array([6.0, 7.0, 60.0]))

    assert hazard.tolist() == [hazard[0]] * 3


def test_a_fit_on_many_simulated_customers_recovers_their_survival() -> None:
    month = np.arange(1.0, 37.0)
    left_in = np.random.default_rng(4).geometric(
        np.random.default_rng(5).beta(0.668, 3.806, 200_000)
    )
    exits = np.bincount(np.minimum(left_in, 37), minlength=38)[1:37].astype(float)
    at_risk = 200_000 - np.concatenate([[0.0], np.cumsum(exits)[:-1]])

    fitted = fit_anchor(TenureCounts(at_risk, exits))

    survival = survival_from_hazard(fitted.hazard(month)[None, :])
    true = survival_from_hazard(HIGH_END.hazard(month)[None, :])
    np.testing.assert_allclose(survival, true, atol=0.005)
    assert fitted.c == pytest.approx(1.0, abs=0.05)


def test_nobody_at_risk_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="no customer was at risk"):
        fit_anchor(TenureCounts(np.zeros(3), np.zeros(3)))


def test_counts_of_two_blocks_add_up_whatever_their_lengths() -> None:
    short = TenureCounts(np.array([2.0]), np.array([1.0]))
    long = TenureCounts(np.array([5.0, 3.0]), np.array([0.0, 1.0]))

    for both in (short + long, long + short):
        assert both.at_risk.tolist() == [7.0, 3.0]
        assert both.exits.tolist() == [1.0, 1.0]


def _counted(timeline: Timeline, since: str, until: str) -> tuple[list[float], list[float]]:
    _, start, end = timeline.spells
    counts = tenure_counts(start, end, at(since), at(until), "calendar")
    last = int(np.flatnonzero(counts.at_risk).max(initial=-1)) + 1
    assert not counts.exits[last:].any()
    return counts.at_risk[:last].tolist(), counts.exits[:last].tolist()


def _one(*events: tuple[str, str]) -> Timeline:
    history = history_of(*[("ann", kind, day, {"amount": 10.0}) for kind, day in events])
    return timeline_of(history, operator_business())


def test_whoever_is_still_there_is_at_risk_in_the_months_that_are_over() -> None:
    timeline = _one(("subscribe", "2024-01-10"))

    assert _counted(timeline, "2024-01-01", "2024-04-09") == ([1.0, 1.0], [0.0, 0.0])
    assert _counted(timeline, "2024-01-01", "2024-04-10") == ([1.0] * 3, [0.0] * 3)


def test_whoever_left_was_at_risk_in_the_month_of_leaving_too() -> None:
    timeline = _one(("subscribe", "2024-01-10"), ("cancel", "2024-03-09"))

    assert _counted(timeline, "2024-01-01", "2024-12-01") == ([1.0, 1.0], [0.0, 1.0])


def test_leaving_exactly_at_the_end_of_a_month_counts_in_the_month_after() -> None:
    timeline = _one(("subscribe", "2024-01-10"), ("cancel", "2024-03-10"))

    assert _counted(timeline, "2024-01-01", "2024-12-01") == ([1.0] * 3, [0.0, 0.0, 1.0])


def test_whoever_joined_before_observation_enters_in_the_first_whole_month_after() -> None:
    timeline = _one(("subscribe", "2024-01-10"), ("cancel", "2024-05-20"))

    at_risk, exits = _counted(timeline, "2024-03-01", "2024-12-01")

    # The third month (10 March on) is the first that is seen from its start.
    assert at_risk == [0.0, 0.0, 1.0, 1.0, 1.0]
    assert exits == [0.0, 0.0, 0.0, 0.0, 1.0]


def test_an_exit_in_a_month_seen_only_in_part_is_not_counted() -> None:
    timeline = _one(("subscribe", "2024-01-10"), ("cancel", "2024-03-05"))

    assert _counted(timeline, "2024-03-01", "2024-12-01") == ([], [])


def test_an_exit_booked_for_after_the_end_of_knowledge_is_not_counted() -> None:
    timeline = _one(("subscribe", "2024-01-10"), ("cancel", "2024-05-20"))

    assert _counted(timeline, "2024-01-01", "2024-05-20") == ([1.0] * 4, [0.0] * 4)
