"""A campaign planted in a simulated operator: the frozen model is blind, the effect is found."""

from dataclasses import replace

import numpy as np
import pytest

from features.blocks import blocks
from features.instants import instant_from_text, instant_of
from tests.training.experiments.planted import PlantedCampaign
from tests.training.worlds import at, ingested_log
from training.experiments.assignments import CONTROL, Spending, assignments_of
from training.experiments.effects import measured
from training.experiments.outcomes import Measure, outcomes_of, outcomes_since, without_campaigns
from training.experiments.warnings import warnings_of
from training.uplift.lessons import lesson_of

UNTIL = "2023-07-01"
PLANTED = PlantedCampaign(began="2023-01-15T09:00:00Z", save_rate=0.5)


@pytest.fixture(scope="module")
def campaign(operator, tmp_path_factory):
    log = ingested_log(
        tmp_path_factory.mktemp("planted"), PLANTED.events(operator.log), operator.business
    )
    found = assignments_of(log, PLANTED.name, instant_from_text(UNTIL))
    return log, found.promised({}, elsewhere=0.5)


@pytest.fixture(scope="module")
def found(campaign, operator):
    log, assignments = campaign
    measure = Measure(3, at(f"{UNTIL}T00:00"), operator.business, operator.bundle)
    return measured(assignments, outcomes_of(log, assignments, measure), measure)


def test_everybody_assigned_is_followed(found):
    assert found.status == "measured"
    assert found.n_over == found.n_assigned
    assert found.ratio is not None
    assert not found.ratio.is_mismatch


def test_the_interval_of_the_share_saved_holds_what_was_planted(found):
    (effects,) = found.effects

    assert effects.stayed.plain.effect > 0
    assert effects.saved.low < PLANTED.save_rate < effects.saved.high


def test_what_was_known_before_narrows_the_effect_on_value(found):
    (effects,) = found.effects
    value = effects.value

    assert value is not None
    assert value.adjusted is not None
    assert value.adjusted.standard_error < 0.7 * value.plain.standard_error


def test_a_campaign_without_contacts_on_record_is_not_called_free(campaign, operator, found):
    log, assignments = campaign
    untold = replace(assignments, spending=Spending(*(each[:0] for each in assignments.spending)))
    measure = Measure(3, at(f"{UNTIL}T00:00"), operator.business)
    silent = measured(untold, outcomes_of(log, untold, measure), measure)

    assert not any("`contact` event" in said for said in warnings_of(found))
    assert any("nobody of treated has a `contact` event" in said for said in warnings_of(silent))


def test_levers_add_up_to_the_adjusted_effect_on_value(found):
    (effects,) = found.effects

    assert effects.value is not None
    assert effects.value.adjusted is not None
    assert effects.levers is not None
    together = sum(lever.effect for lever in effects.levers)
    assert together == pytest.approx(effects.value.adjusted.effect)


def test_cost_is_what_contacts_cost(found):
    (effects,) = found.effects

    assert effects.account.cost == pytest.approx(0.5 * found.n_over["treated"])
    assert (effects.contacted, effects.control_contacted) == (1.0, 0.0)


def test_the_frozen_model_does_not_see_the_campaign(campaign, operator):
    """Customers whose exits the campaign left alone are worth what they are worth without it."""
    log, assignments = campaign
    measure = Measure(3, at(f"{UNTIL}T00:00"), operator.business, operator.bundle)
    day = instant_of(instant_from_text("2023-01-15"))
    touched = next(blocks(log, operator.business, measure.attributes))
    untouched = next(blocks(operator.log, operator.business, measure.attributes))
    assert len(touched.history.of_kind("contact", "assignment"))
    # The planted log has no customers table.
    touched = replace(touched, profiles=untouched.profiles)
    same = np.isin(
        touched.history.customer_ids, assignments.customer_ids[assignments.arm == CONTROL]
    )

    blind, plain = (
        outcomes_since(without_campaigns(block), day, measure).only(same)
        for block in (touched, untouched)
    )
    assert len(blind.row) > 5
    np.testing.assert_array_equal(blind.monthly_margin, plain.monthly_margin)
    np.testing.assert_array_equal(blind.value_before, plain.value_before)


def test_lessons_know_the_share_treated_at_each_control_share(campaign, operator):
    log, assignments = campaign
    shares = {each: 0.5 + 0.3 * (n % 2) for n, each in enumerate(assignments.customer_ids)}
    control = assignments.customer_ids[assignments.arm == CONTROL]
    alone = dict.fromkeys(control[:3], 0.1)
    measure = Measure(3, at(f"{UNTIL}T00:00"), operator.business, operator.bundle)
    promised = assignments.promised(shares | alone, None)
    trial = lesson_of(log, promised, "treated", measure, operator.bundle).lesson.trial

    assert len(trial.treated) == len(assignments.customer_ids) - 3
    assert len(set(trial.propensity)) == 2
    for share in set(trial.propensity):
        assert trial.treated[trial.propensity == share].mean() == pytest.approx(share)
