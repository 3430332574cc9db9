"""The simulated operator's past: who joins, asks, goes, moves and pays."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.demo.blocks import Bools, Floats
from serving.demo.history import NOBODY, LivedMonth
from serving.demo.operator import Operator, simulate_operator
from serving.demo.parameters import OperatorParameters
from serving.demo.population import Subscribers


@pytest.fixture(scope="module")
def operator() -> Operator:
    return simulate_operator(3000, seed=11)


def _gathered(operator: Operator, what: str) -> Floats | Bools:
    months = operator.history.observed
    return np.concatenate([getattr(month.happenings.exits, what) for month in months])


def test_the_same_seed_gives_the_same_operator_and_another_seed_another() -> None:
    first, again, other = (simulate_operator(200, seed, months=6) for seed in (1, 1, 2))
    assert np.array_equal(first.history.openings[-1].who, again.history.openings[-1].who)
    assert np.array_equal(first.history.openings[-1].size, again.history.openings[-1].size)
    assert not np.array_equal(first.history.newcomers.size, other.history.newcomers.size)


def test_everyone_is_numbered_once_in_order_of_joining(operator: Operator) -> None:
    newcomers = operator.history.newcomers
    assert np.array_equal(newcomers.who, np.arange(3000))
    assert np.all(np.diff(newcomers.joined) >= 0)


def test_more_than_half_have_joined_by_the_end_of_the_first_year(operator: Operator) -> None:
    first_month = operator.history.openings[0].month
    early = np.mean(operator.history.newcomers.joined <= first_month + 12)
    assert 0.55 <= early <= 0.65


def test_monthly_churn_averages_about_two_percent(operator: Operator) -> None:
    assert 0.015 <= _gathered(operator, "left").mean() <= 0.025


@pytest.mark.parametrize(
    ("flag", "hazard"),
    [("asked", "ask_probability"), ("disconnected", "disconnection_probability")],
)
def test_realised_exits_match_the_stated_hazard(operator: Operator, flag: str, hazard: str) -> None:
    happened, stated = _gathered(operator, flag), _gathered(operator, hazard)
    spread = np.sqrt(np.sum(stated * (1.0 - stated)))
    assert abs(happened.sum() - stated.sum()) < 4.0 * spread


def test_realised_notices_match_the_stated_hazard_in_every_fifth_of_it(
    operator: Operator,
) -> None:
    happened, stated = _gathered(operator, "asked"), _gathered(operator, "ask_probability")
    for fifth in np.array_split(np.argsort(stated, kind="stable"), 5):
        spread = np.sqrt(np.sum(stated[fifth] * (1.0 - stated[fifth])))
        assert abs(happened[fifth].sum() - stated[fifth].sum()) < 4.0 * spread + 1e-9


def test_whoever_gives_notice_goes_or_withdraws_in_the_next_month(operator: Operator) -> None:
    months = operator.history.observed
    for month, following in pairwise(months):
        asked = month.state.who[month.happenings.exits.asked]
        exits, noticed = following.happenings.exits, following.state.under_notice
        assert np.array_equal(following.state.who[noticed], asked)
        assert np.array_equal(noticed, (exits.left & ~exits.disconnected) | exits.withdrew)


def test_one_notice_in_ten_is_withdrawn(operator: Operator) -> None:
    notices = _gathered(operator, "asked").sum()
    withdrawn = _gathered(operator, "withdrew").sum()
    assert abs(withdrawn - 0.1 * notices) < 4.0 * np.sqrt(0.09 * notices)


def test_nobody_comes_back_and_nobody_acts_after_leaving(operator: Operator) -> None:
    gone = np.zeros(3000, dtype=np.bool_)
    for month in operator.history.observed:
        assert not gone[month.state.who].any()
        gone[month.state.who[month.happenings.exits.left]] = True


def test_a_booked_downgrade_takes_effect_when_the_term_ends(operator: Operator) -> None:
    plan_in_month = {
        (who, month.state.month): plan
        for month in operator.history.observed
        for who, plan in zip(month.state.who, month.state.plan, strict=True)
    }
    checked = 0
    for month in operator.history.observed:
        for row in np.flatnonzero(month.happenings.moves.booked_in > 0).tolist():
            who, due = month.state.who[row], _due(month, row)
            if (who, due + 1) in plan_in_month:
                assert plan_in_month[who, due] == month.state.plan[row]
                assert plan_in_month[who, due + 1] == month.state.plan[row] - 1
                checked += 1
    assert checked > 20


def _due(month: LivedMonth, row: int) -> int:
    return int(month.state.month + month.state.term_left[row])


def test_newcomers_by_referral_were_invited_by_someone_who_was_a_customer(
    operator: Operator,
) -> None:
    history = operator.history
    first_month = history.openings[0].month
    for who in np.flatnonzero(history.referrers != NOBODY):
        month_before = history.newcomers.joined[who] - first_month - 1
        assert history.referrers[who] in history.observed[month_before].state.who


def test_observation_that_begins_within_a_month_is_refused_with_the_date() -> None:
    with pytest.raises(ValueError, match="observed_from is 2022-01-15; give the first day"):
        simulate_operator(10, seed=1, observed_from=date(2022, 1, 15))


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n_customers=st.integers(1, 80))
def test_every_lived_month_is_possible(seed: int, n_customers: int) -> None:
    operator = simulate_operator(n_customers, seed, months=14)
    dearest = len(OperatorParameters().plans.names) - 1
    for month in operator.history.observed:
        state, happened = month.state, month.happenings
        assert np.all((state.plan >= 0) & (state.plan <= dearest))
        assert np.all((happened.charges.active_share > 0) & (happened.charges.active_share <= 1))
        assert np.all(happened.charges.revenue >= 0)
        assert np.all(state.open_tickets >= 0)
        assert np.all(happened.dealings.event_costs() >= 0)


def test_until_an_intervention_the_past_is_the_same_and_from_then_on_it_counts() -> None:
    def put_off(month: int, state: Subscribers) -> Subscribers:
        moved = np.full(len(state), 3.0 if month == 6 else 0.0)
        return replace(state, contact_logit=state.contact_logit + moved)

    plain = simulate_operator(1000, seed=4, months=10)
    touched = simulate_operator(1000, seed=4, months=10, intervention=put_off)
    for month in range(7):
        before, after = (each.history.openings[month].who for each in (plain, touched))
        assert np.array_equal(before, after)
    asked = [
        sum(int(month.happenings.exits.asked.sum()) for month in each.history.observed[6:])
        for each in (plain, touched)
    ]
    assert asked[1] > 2 * asked[0]


def test_a_contact_is_forgotten_by_and_by() -> None:
    def put_off(month: int, state: Subscribers) -> Subscribers:
        return replace(state, contact_logit=np.full(len(state), 1.0)) if month == 2 else state

    history = simulate_operator(300, seed=4, months=5, intervention=put_off).history
    memory = OperatorParameters().leaving.contact_memory
    assert set(history.openings[3].contact_logit) == {memory, 0.0}
    assert history.openings[4].contact_logit.max() == memory**2
