"""Save rates: assumed, then measured, then learned; by hand, and through files."""

import numpy as np
import pytest

from features.mistakes import InputRefusedError
from tests.training.uplift.trials import lesson
from training.uplift.learners import LEARNERS, Lesson
from training.uplift.lessons import CampaignLesson
from training.uplift.response_files import Origin, load_response, save_response
from training.uplift.responses import (
    Assumed,
    CampaignResponse,
    believed_rate,
    response_from,
    responses_of_effects,
)
from valuation.effects import Arms, Effect, saved_share
from valuation.offers import OfferResponse, change_of_retention
from valuation.targeting import Trial

VOLUNTARY, INVOLUNTARY, UNLABELLED = 1, 2, 0
MEASURED = Effect(0.4, 0.2, 0.6, 0.1, 0.06, 0.1, 1000, 1000)


def with_leavers(known):
    gone = 1 - known.trial.outcome
    return known, Arms(gone[known.treated], gone[~known.treated])


def exits(left_by_arm):
    """Return the lesson of 10,000 treated and 10,000 control, who left by kind of exit."""
    kinds = np.zeros((2, 10_000), dtype=np.int64)
    stayed = np.ones((2, 10_000))
    for arm, left in enumerate(left_by_arm):
        kind = np.repeat(list(left), list(left.values()))
        kinds[arm, : len(kind)], stayed[arm, : len(kind)] = kind, 0.0
    treated = np.repeat([1.0, 0.0], 10_000)
    trial = Trial(treated, stayed.ravel(), np.full(20_000, 0.5))
    return CampaignLesson(Lesson(np.zeros((20_000, 0), np.float32), trial), (), kinds.ravel())


def believed_change_of_retention(known, voluntary_churn):
    measured = saved_share(known.left_voluntarily)
    response = CampaignResponse("measured", measured)
    found = response.of_customers(np.empty((1, 0)), voluntary_churn, Assumed(0.5, 1e-9))
    return change_of_retention(voluntary_churn, OfferResponse(found.save_rate, 0.0))


def test_a_measured_rate_is_of_those_who_leave_voluntarily():
    """Half of them are saved: 600 of 10,000 would leave so, and 400 otherwise."""
    known = exits([{VOLUNTARY: 300, INVOLUNTARY: 400}, {VOLUNTARY: 600, INVOLUNTARY: 400}])

    assert believed_change_of_retention(known, np.array([0.06])) == pytest.approx(0.03)


def test_exits_without_a_label_are_shared_out_as_those_with_one():
    """As above, with a label on every second exit."""
    known = exits(
        [
            {VOLUNTARY: 150, INVOLUNTARY: 200, UNLABELLED: 350},
            {VOLUNTARY: 300, INVOLUNTARY: 200, UNLABELLED: 500},
        ]
    )

    assert believed_change_of_retention(known, np.array([0.06])) == pytest.approx(0.03)


def test_without_labels_all_who_leave_count():
    known = exits([{UNLABELLED: 300}, {VOLUNTARY: 29, UNLABELLED: 571}])

    assert not known.knows_kinds
    assert saved_share(known.left_voluntarily).effect == pytest.approx(0.5)


def test_few_leavers_leave_the_assumption_as_it_is():
    response, learned = response_from(*with_leavers(lesson(90, spread=0.0)), 1)
    found = response.of_customers(np.empty((2, 5)), np.array([0.1, 0.2]), Assumed(0.3, 20.0))

    assert (response.source, learned) == ("assumed", None)
    assert found.save_rate.tolist() == [0.3, 0.3]
    assert found.weight.tolist() == [20.0, 20.0]


def test_more_leavers_measure_one_rate_for_everybody():
    response, learned = response_from(*with_leavers(lesson(400, spread=0.0)), 1)

    assert (response.source, learned) == ("measured", None)
    assert response.measured is not None
    assert response.measured.effect > 0


def test_a_measured_rate_is_weighed_against_the_assumption():
    # .4 x .6 / .01 - 1 = 23 would-be leavers, beside 20 of an assumed rate of .2.
    rate, weight = believed_rate(MEASURED, Assumed(0.2, 20.0))

    assert weight == pytest.approx(43.0)
    assert rate == pytest.approx((23 * 0.4 + 20 * 0.2) / 43)


def test_a_measured_rate_adds_those_saved_to_make_up_for_those_driven_away():
    # One in ten of the control left: nine stayers a leaver, of whom 2% are driven away.
    rate, weight = believed_rate(MEASURED, Assumed(0.2, 20.0, 0.02))
    seen = 0.4 + 9 * 0.02

    assert weight == pytest.approx(seen * (1 - seen) / 0.01 - 1 + 20)
    assert rate == pytest.approx(((weight - 20) * seen + 20 * 0.2) / weight)


def test_a_measured_rate_leaves_the_assumed_share_of_stayers_driven_away():
    response = CampaignResponse("measured", MEASURED)
    found = response.of_customers(np.empty((2, 5)), np.array([0.1, 0.2]), Assumed(0.2, 20.0, 0.02))

    assert found.disturbed_share.tolist() == [0.02, 0.02]


def test_a_campaign_that_saves_nobody_is_believed_to():
    harm = Effect(-0.5, -0.6, -0.4, 0.05, 0.15, 0.1, 1000, 1000)
    rate, weight = believed_rate(harm, Assumed(0.2, 20.0))

    assert rate == pytest.approx(4.0 / weight)


@pytest.mark.parametrize("stayed", [0, 1])
def test_where_next_to_all_left_the_measurement_counts_as_no_more_than_were_there(stayed):
    gone = np.ones(40)
    treated = gone.copy()
    treated[:stayed] = 0.0
    rate, weight = believed_rate(saved_share(Arms(treated, gone)), Assumed(0.5, 20.0))

    assert 20.0 < weight <= 60.0
    assert rate == pytest.approx(((weight - 20) * stayed / 40 + 20 * 0.5) / weight)


def test_effects_become_shares_saved_or_driven_away():
    found = responses_of_effects(
        np.array([0.05, -0.09, 0.5]), np.array([0.02, 0.02, 0.02]), np.array([0.1, 0.1, 0.1])
    )

    assert found.save_rate == pytest.approx([0.5, 0.0, 1.0])
    assert found.disturbed_share == pytest.approx([0.0, 0.1, 0.0])
    # A standard error of .2 of a share of .5: .25 over .04, less 1.
    assert found.weight[0] == pytest.approx(5.25)


def test_a_learned_response_survives_its_files(tmp_path):
    known = lesson(1500, spread=0.1)
    inputs = known.inputs[:50]
    for name in ("dr_line", "x"):
        response = CampaignResponse("learned", MEASURED, LEARNERS[name](known, 1))
        save_response(response, list("abcde"), Origin("treated", 3), tmp_path / name)
        loaded = load_response(tmp_path / name)

        assert loaded is not None
        again, signals, origin = loaded
        assert origin == Origin("treated", 3)
        assert signals == list("abcde")
        assert again.measured == MEASURED
        assert again.model is not None
        np.testing.assert_array_equal(again.model.raw(inputs), response.model.raw(inputs))


@pytest.mark.parametrize("damage", [
    lambda text: text[:-100],
    lambda text: text.replace("0.4", "0.9"),
    lambda text: text.replace('"ubj": "', '"ubj": "AAAA'),
    lambda _: "",
    lambda _: "[]",
    lambda _: "{}",
    lambda _: '{"sha256": "0", "response": null}',
])  # fmt: skip
def test_a_file_that_is_not_as_it_was_written_is_refused(tmp_path, damage):
    response = CampaignResponse("learned", MEASURED, LEARNERS["t"](lesson(300, spread=0.1), 1))
    path = tmp_path / "winter.json"
    save_response(response, list("abcde"), Origin("treated", 3), path)
    path.write_text(damage(path.read_text()))

    with pytest.raises(InputRefusedError, match=r"altered.*campaigns learn winter"):
        load_response(path)


def test_a_later_response_takes_the_place_of_an_earlier_one_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "responses" / "winter.json"
    save_response(CampaignResponse("assumed"), [], Origin("treated", 3), path)
    save_response(CampaignResponse("measured", MEASURED), [], Origin("treated", 3), path)

    assert load_response(path) == (
        *(CampaignResponse("measured", MEASURED), []),
        Origin("treated", 3),
    )
    assert list(path.parent.iterdir()) == [path]


def test_where_nothing_was_learned_there_is_no_response(tmp_path):
    assert load_response(tmp_path / "winter.json") is None
