"""The benchmark of campaigns counts what it says: places, refusals, and paired differences."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.campaigns.operators import JudgedOperator
from benchmarks.campaigns.page import results_page
from benchmarks.campaigns.policies import POLICIES, first, oracle
from benchmarks.campaigns.responses import (
    CONTACT_COST,
    OFFER_COST,
    TYPES,
    Response,
    contacted,
    true_response,
    types_of,
)
from serving.demo.operator import simulate_operator
from serving.demo.parameters import OperatorParameters
from training.uplift.responses import CampaignResponse

PERSUADABLE, SURE, LOST, DISTURBED = range(len(TYPES))
RNG = np.random.default_rng(1)


@pytest.fixture(scope="module")
def state():
    return simulate_operator(800, seed=3, months=6).history.openings[-1]


def with_everybody_of(state, kind):
    """Return a response with types drawn so that everybody is of one type."""
    luck = np.random.default_rng(2).random(800)
    response = true_response(state, luck, 40, 1, OperatorParameters())
    return response.take(response.kind == kind)


def test_types_are_of_all_four_kinds_and_stay_while_the_customer_does(state):
    luck = np.random.default_rng(2).random(800)
    kinds = types_of(state, luck, OperatorParameters())
    assert set(kinds.tolist()) == {PERSUADABLE, SURE, LOST, DISTURBED}
    assert np.array_equal(kinds, types_of(state, luck, OperatorParameters()))


def test_a_contact_keeps_the_persuadable_moves_no_sure_or_lost_and_drives_the_disturbed(state):
    for kind, sign in ((PERSUADABLE, 1), (SURE, 0), (LOST, 0), (DISTURBED, -1)):
        moved = with_everybody_of(state, kind)
        gained = moved.survival_told[:, 5] - moved.survival[:, 5]
        assert np.sign(gained.mean().round(12)) == sign
        assert np.sign(moved.smooth_effect.mean()) == sign
        assert np.sign(moved.effect.mean()) == sign


def test_only_the_chosen_are_moved(state):
    luck = np.random.default_rng(2).random(800)
    kinds = types_of(state, luck, OperatorParameters())
    chosen = np.arange(len(state)) % 2 == 0
    after = contacted(state, kinds, chosen)
    assert np.array_equal(after.contact_logit[~chosen], state.contact_logit[~chosen])
    assert (after.contact_logit[chosen & (kinds == PERSUADABLE)] < 0).all()


def known_truth():
    """Two who are kept for 100 and 20, one who is driven away, one who only takes the offer."""
    effect = np.array([100.0, 20.0, -50.0, 0.0])
    nobody = np.zeros((4, 6))
    acceptance = np.array([1.0, 0.5, 0.0, 1.0])
    kind = np.array([PERSUADABLE, PERSUADABLE, DISTURBED, SURE])
    return Response(kind, nobody, nobody, effect, effect, acceptance)


def test_profit_by_hand():
    truth = known_truth()
    assert truth.profit == pytest.approx(
        [
            100 - CONTACT_COST - OFFER_COST,
            20 - CONTACT_COST - OFFER_COST / 2,
            -50 - CONTACT_COST,
            -CONTACT_COST - OFFER_COST,
        ]
    )


def test_the_oracle_stops_where_nothing_is_to_be_won():
    operator = JudgedOperator([], known_truth(), CampaignResponse("assumed"))
    assert oracle(operator, 1, RNG).tolist() == [True, False, False, False]
    assert oracle(operator, 4, RNG).tolist() == [True, True, False, False]


def test_shares_saved_and_driven_away_are_of_those_who_would_leave_or_stay():
    truth = replace(
        known_truth(),
        survival=np.full((4, 6), 0.5),
        survival_told=np.repeat([[0.75], [0.75], [0.3], [0.5]], 6, axis=1),
    )
    assert truth.saved_share(6) == pytest.approx(0.5 / 2)
    assert truth.disturbed_share(6) == pytest.approx(0.2 / 2)


def test_a_budget_pays_for_the_first_of_a_ranking():
    assert first(np.array([1.0, 3.0, 2.0]), 2).tolist() == [False, True, True]
    assert not first(np.array([1.0]), 0).any()


def test_the_page_gives_paired_intervals_and_says_what_was_not_beaten():
    profit = dict.fromkeys(POLICIES, 1.0) | {"keepworth": 5.0, "oracle": 10.0}
    same = {
        "at": {"date": "2026-01-01", "commit": "abc", "changed": False},
        "customers": 1000,
        "types": dict.fromkeys(TYPES, 0.25),
        "true": {"save_rate": 0.2, "disturbed_share": 0.02, "acceptance": 0.4},
        "learned": "measured",
    }
    readings = [
        same | {"seed": seed, "profit": {"5%": profit | {"random": float(seed)}}}
        for seed in (1, 2, 3)
    ]
    page = results_page(readings)
    assert "3 seeds, 1 to 3; measured on 2026-01-01 at commit abc." in page
    # Differences 4, 3, 2: mean 3, t(2 degrees, 97.5%) = 4.3027, standard error 1 / sqrt(3).
    assert "| keepworth less random | 3 (1 to 5) |" in page
    assert "| keepworth, share of the oracle | 50% |" in page
    assert "keepworth beats the three policies of habit at every budget" in page
    lucky = readings[0] | {"seed": 4, "profit": {"5%": profit | {"random": 20.0}}}
    page = results_page([*readings, lucky])
    assert "Not beaten with confidence: random at 5%." in page
