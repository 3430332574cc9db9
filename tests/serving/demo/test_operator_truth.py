"""The truth about simulated customers, held against closed forms and against what then happened."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from serving.demo.crm import customer_ids
from serving.demo.instants import days_in, month_of
from serving.demo.operator import Operator, simulate_operator
from serving.demo.parameters import OperatorParameters
from serving.demo.population import Subscribers, draw_newcomers
from serving.demo.truth import Truth, true_values

HAZARD = 0.03
FIRST_MONTH = month_of(date(2025, 1, 1))
MEAN_NOTICE_DAY = 13.5 + 13.0 / 24.0
"""Notices fall on days 1 to 28 alike, between 7 and 19 o'clock."""


def _plain_world(withdrawn_share: float) -> OperatorParameters:
    """Return a world with one hazard, one price, and nothing else that ever happens."""
    world = OperatorParameters()
    leaving = replace(
        world.leaving,
        base_logit=float(np.log(HAZARD / (1.0 - HAZARD))),
        newness_logit=0.0,
        engagement_logit=0.0,
        trend_logit=0.0,
        overpaying_logit=0.0,
        plan_logit=(0.0, 0.0, 0.0, 0.0),
        withdrawn_share=withdrawn_share,
    )
    return replace(
        world,
        leaving=leaving,
        moving=replace(world.moving, upgrade_logit=-99.0, downgrade_logit=-99.0, renewal=0.0),
        newcomers=replace(world.newcomers, term_share=0.0, discount_share=0.0),
        billing=replace(world.billing, failure=0.0, bad_payer_share=0.0),
        support=replace(world.support, tickets=0.0),
        costs=replace(world.costs, network_per_gb=0.0, roaming=0.0),
    )


def _basic_customers(n: int, month: int, world: OperatorParameters) -> Subscribers:
    nobody_special = np.zeros(n, dtype=np.int64)
    rng = np.random.default_rng(5)
    drawn = draw_newcomers(month, np.arange(n), nobody_special, rng, world)
    return replace(
        drawn,
        plan=nobody_special,
        list_price=np.full(n, world.plans.list_prices[0]),
        frailty=np.zeros(n),
        tenure_months=nobody_special + 1,
    )


def _plain_truth(withdrawn_share: float, n: int, draws: int) -> Truth:
    world = _plain_world(withdrawn_share)
    state = _basic_customers(n, FIRST_MONTH, world)
    return true_values(state, draws, np.random.default_rng(6), world)


def test_survival_under_a_constant_hazard_is_geometric_after_the_month_of_notice() -> None:
    true = _plain_truth(withdrawn_share=0.0, n=3, draws=400)
    closed_form = (1.0 - HAZARD) ** np.arange(36)
    np.testing.assert_allclose(true.survival, np.tile(closed_form, (3, 1)), rtol=1e-12)


def test_clv_under_a_constant_hazard_and_price_equals_the_closed_form() -> None:
    true = _plain_truth(withdrawn_share=0.0, n=40, draws=500)
    margin = 0.7 * 9.99 - 2.5
    clv = 0.0
    for k in range(1, 37):
        stays, leaves = (1.0 - HAZARD) ** (k - 1), _leaving_in(k)
        lived = stays + leaves * MEAN_NOTICE_DAY / days_in(FIRST_MONTH + k - 1)
        clv += margin * lived / 1.1 ** ((k - 0.5) / 12.0)
    error = np.sqrt(np.sum(true.clv_standard_error**2)) / len(true.clv)
    assert abs(true.clv.mean() - clv) < 4.0 * error
    assert error < 0.01 * clv


def _leaving_in(k: int) -> float:
    """Return P(leaves in month k): notice is given in month k - 1, so nobody goes in the first."""
    return HAZARD * (1.0 - HAZARD) ** (k - 2) if k > 1 else 0.0


def test_withdrawn_notices_return_to_those_who_may_ask_again() -> None:
    true = _plain_truth(withdrawn_share=0.25, n=40, draws=500)
    free, noticed, expected = 1.0, 0.0, []
    for _ in range(36):
        free, noticed = free * (1.0 - HAZARD) + noticed * 0.25, free * HAZARD
        expected.append(free + noticed)
    np.testing.assert_allclose(true.survival.mean(axis=0), expected, atol=0.003)


def test_margin_given_active_is_the_monthly_margin_when_nothing_happens() -> None:
    true = _plain_truth(withdrawn_share=0.0, n=3, draws=400)
    np.testing.assert_allclose(true.margin_given_active, 0.7 * 9.99 - 2.5, rtol=1e-9)


@pytest.fixture(scope="module")
def operator() -> Operator:
    return simulate_operator(2000, seed=3)


def test_truth_has_a_row_for_everyone_who_is_left_at_the_end(operator: Operator) -> None:
    truth = operator.truth_at(36, draws=20)
    assert len(truth) == len(operator.history.openings[-1])
    assert truth["customer_id"].is_unique
    assert np.stack(truth["survival"].to_list()).shape == (len(truth), 36)


def test_survival_never_rises_and_agrees_with_churn(operator: Operator) -> None:
    truth = operator.truth_at(36, draws=20)
    survival = np.stack(truth["survival"].to_list())
    assert np.all(np.diff(survival, axis=1) <= 0)
    assert survival.min() >= 0
    np.testing.assert_allclose(truth["churn_3m"], 1.0 - survival[:, 2])


def test_as_many_leave_within_three_months_as_the_truth_said(operator: Operator) -> None:
    truth = operator.truth_at(24, draws=60)
    stayed = set(operator.history.openings[27].who.tolist())
    left = np.array([who not in stayed for who in operator.history.openings[24].who])
    chance = truth["churn_3m"].to_numpy()
    spread = np.sqrt(np.sum(chance * (1.0 - chance)))
    assert abs(left.sum() - chance.sum()) < 4.0 * spread


def test_customers_earned_in_a_year_what_the_truth_had_expected(operator: Operator) -> None:
    truth = operator.truth_at(24, draws=60)
    expected = np.stack(truth["expected_margin"].to_list())[:, :12].sum()
    known = operator.history.openings[24].who
    months = operator.history.observed[24:36]
    earned = [month.happenings.margin[np.isin(month.state.who, known)] for month in months]
    assert np.concatenate(earned).sum() == pytest.approx(expected, rel=0.03)


def test_customers_under_notice_have_the_highest_chance_of_leaving(operator: Operator) -> None:
    truth = operator.truth_at(36, draws=20)
    noticed = operator.history.openings[-1].under_notice
    assert truth["churn_3m"][noticed].min() > 0.85


def test_some_customers_are_worth_less_than_nothing(operator: Operator) -> None:
    clv = operator.truth_at(36, draws=60)["clv"]
    assert 0.002 < (clv < 0).mean() < 0.05


def test_a_downgrade_lowers_true_clv_on_average(operator: Operator) -> None:
    before = operator.truth_at(36, draws=40)
    above_basic = before[before["plan"] != "Basic"]
    after = operator.truth_after_downgrade(above_basic["customer_id"].to_list(), draws=40)
    assert after["customer_id"].to_list() == above_basic["customer_id"].to_list()
    change = after["clv"].to_numpy() - above_basic["clv"].to_numpy()
    assert change.mean() < -20.0
    assert np.mean(change < 0) > 0.9


def test_terms_that_run_are_told_in_months_and_others_as_none(operator: Operator) -> None:
    state = operator.history.openings[-1]
    above = np.flatnonzero(state.plan > 0)

    said = operator.terms_left(customer_ids(state.who[above]).tolist())

    left = state.term_left[above]
    assert [months or 0 for months in said] == np.maximum(left, 0).tolist()
    assert None in said
    assert max(months for months in said if months) <= operator.params.newcomers.term_months


def test_a_downgrade_below_the_cheapest_plan_is_refused_by_name(operator: Operator) -> None:
    truth = operator.truth_at(36, draws=2)
    on_basic = truth[truth["plan"] == "Basic"]["customer_id"].iloc[0]
    with pytest.raises(ValueError, match=f"customer_ids has {on_basic}, nobody; give customers"):
        operator.truth_after_downgrade([on_basic, "nobody"])


def test_months_outside_the_observation_are_refused(operator: Operator) -> None:
    with pytest.raises(ValueError, match=r"month is 37; give 0 \(the first observed\) to 36"):
        operator.truth_at(37)


def test_a_single_draw_is_refused_because_no_error_follows_from_it(operator: Operator) -> None:
    with pytest.raises(ValueError, match="draws is 1; give at least 2"):
        operator.truth_at(36, draws=1)
