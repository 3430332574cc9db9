"""A night on the simulated operator: decided once, and as a check would have shown it."""

from datetime import UTC, datetime, timedelta

import pytest

from features.instants import datetime_of
from features.mistakes import ConfigurationError
from serving.campaigns.candidates import Judge
from serving.campaigns.night import decide_night, known_until
from serving.campaigns.portfolio import portfolio_candidates
from serving.campaigns.replay import replayed
from serving.campaigns.stakes import voluntary_churn
from serving.campaigns.taught import Taught
from serving.campaigns.triggers import triggers_after
from serving.configuration import rulebook_of
from serving.store.live_events import live_history
from serving.store.serving_version import load_version
from tests.serving.campaigns.written import CARE, STAY, with_campaigns
from training.uplift.effect_model import EffectModel
from training.uplift.responses import CampaignResponse
from valuation.effects import Effect

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def workspace(operator_workspace, tmp_path):
    return with_campaigns(operator_workspace, tmp_path / "campaigns", STAY, CARE)


def decided(workspace, now=NOON):
    book = rulebook_of(workspace.configuration)
    return decide_night(workspace.store, load_version(workspace.store), book, now)


def contacts(decisions):
    return {each.candidate.customer_id for each in decisions if each.outcome == "contact"}


def test_a_night_contacts_whom_the_check_had_shown_and_leaves_a_trace_of_each(workspace):
    bundle, log = load_version(workspace.store), workspace.log()
    until = known_until(workspace.store, log, bundle)
    stay = rulebook_of(workspace.configuration).live(NOON, "night")
    [shown] = replayed(log, Judge(stay.campaigns, bundle), stay, [0, until])
    assert triggers_after(workspace.store, 0, 10**6) == []

    night = decided(workspace)

    assert (night.occasion, night.as_of) == ("night 2026-03-10", datetime_of(until))
    assert contacts(night.decisions) == contacts(shown.decisions) != set()
    made = triggers_after(workspace.store, 0, 10**6)
    assert {each.customer_id for each in made} == contacts(night.decisions)
    assert {each.campaign for each in made} == {"stay"}
    some = sorted(contacts(night.decisions))[:1]
    assert live_history(workspace.store, some).events.column("kind").to_pylist() == ["assignment"]


def test_every_contact_pays_and_the_budget_holds(workspace):
    night = decided(workspace)
    made = [each for each in night.decisions if each.outcome == "contact"]
    assert all(each.option.expected_profit > 0 for each in made)
    assert sum(each.reserved for each in made) <= 40_000
    left_out = [each for each in night.decisions if each.reason == "budget spent"]
    least = min(each.option.expected_profit for each in made)
    assert all(each.candidate.options[0].expected_profit <= least for each in left_out)


def test_the_night_again_decides_of_nobody_and_the_next_keeps_the_cooldown(workspace):
    first = decided(workspace)
    again = decided(workspace, NOON + timedelta(hours=6))
    assert (again.decisions, again.repeated) == ((), len(first.decisions))
    tomorrow = decided(workspace, NOON + timedelta(days=1))
    assert not contacts(first.decisions) & contacts(tomorrow.decisions)


@pytest.mark.parametrize("months", [3, 6])
def test_profit_is_what_the_curves_say(workspace, months):
    """Recomputed for one customer from the score's own arrays, month by month of the window."""
    bundle = load_version(workspace.store)
    stay = rulebook_of(workspace.configuration).campaigns[0]
    judge = Judge([stay.model_copy(update={"window_months": months})], bundle)
    log = workspace.log()
    as_of = known_until(workspace.store, log, bundle)
    from features.blocks import blocks
    from training.scoring import score

    block = next(blocks(log, bundle.business, list(bundle.vocabulary.levels)))
    people = log.read_customers([str(each) for each in block.history.customer_ids])
    candidate = judge.candidates(block, as_of, people, lambda _: "x")[0]
    scores = score(bundle, block, as_of)
    row = list(scores.customer_ids).index(candidate.customer_id)
    margin, survival = scores.forecast.margin_if_active[row], scores.forecast.survival[row]
    rate = bundle.business.annual_discount_rate
    worth = [m * (1 + rate) ** (-(k + 0.5) / 12) for k, m in enumerate(margin)]
    before = [1.0, *survival[:-1]]
    gains, weights = [], []
    for k in range(months):
        alive, after = 1.0, 0.0
        for j in range(k + 1, len(worth)):
            hazard = 1 - survival[j] / before[j]
            after += worth[j] * alive * (1 - hazard / 2)
            alive *= 1 - hazard
        gains.append(worth[k] / 2 + after)
        weights.append(before[k] - survival[k])
    saved = sum(g * w for g, w in zip(gains, weights, strict=True)) / sum(weights)
    of_voluntary = voluntary_churn(scores)[row] / scores.forecast.churn[row, 2]
    churn = scores.forecast.churn[row, months - 1] * of_voluntary
    accept = churn * 0.4 + (1 - churn) * 0.1
    [option] = candidate.options
    assert option.clv_if_saved == pytest.approx(saved)
    assert option.expected_profit == pytest.approx(churn * 0.4 * saved - accept * 8.0 - 0.5)


def test_a_condition_that_fits_no_column_is_refused_with_what_was_meant(
    operator_workspace, tmp_path
):
    typo = STAY.replace("churn_3m > 0.05", "churn3m > 0.05")
    workspace = with_campaigns(operator_workspace, tmp_path / "typo", typo)
    with pytest.raises(ConfigurationError, match=r"campaigns\[stay\].audience.*mean churn_3m\?"):
        decided(workspace)


def judged(workspace, taught):
    """Return the option of the campaign "stay" by customer, and what is noted."""
    bundle, log = load_version(workspace.store), workspace.log()
    campaigns = rulebook_of(workspace.configuration).campaigns[:1]
    until = known_until(workspace.store, log, bundle)
    judge = Judge(campaigns, bundle, {} if taught is None else {"stay": taught})
    found = portfolio_candidates(log, judge, until, "night")
    options = {each.customer_id: each.options[0] for each in found}
    return options, {note for each in found for note in each.notes}


def test_outcomes_take_the_place_of_what_was_assumed(workspace):
    measured = Effect(0.9, 0.88, 0.92, 0.01, 0.05, 0.5, 5000, 5000)
    assumed, notes = judged(workspace, None)
    likely, noted = judged(workspace, Taught(CampaignResponse("measured", measured), ()))
    offer_cost = workspace.configuration.campaigns[0].offer_cost
    assert likely.keys() == assumed.keys()
    gains = {n for n in assumed if likely[n].expected_profit > assumed[n].expected_profit}
    assert {n for n, option in assumed.items() if option.clv_if_saved > offer_cost} == gains
    assert noted - notes == {"stay: the save rate is measured"}


def test_what_was_measured_is_of_the_months_that_outcomes_were_awaited(workspace):
    """Who would leave within six months is more, so that as large a share of them is more too."""
    measured = Effect(0.9, 0.88, 0.92, 0.01, 0.05, 0.5, 500, 500)
    response = CampaignResponse("measured", measured)
    short, _ = judged(workspace, Taught(response, (), 3))
    long, _ = judged(workspace, Taught(response, (), 6))
    assert short.keys() == long.keys()
    assert all(long[n].retention_change > short[n].retention_change for n in short)


def test_an_assumption_that_outcomes_left_standing_keeps_its_own_months(workspace):
    waited, _ = judged(workspace, Taught(CampaignResponse("assumed"), (), 6))
    assert waited == judged(workspace, None)[0]


def test_whom_learning_expects_no_effect_on_brings_only_costs(workspace):
    bundle = load_version(workspace.store)
    names = tuple(signal.name for signal in bundle.model.signals)
    nothing = CampaignResponse("learned", None, EffectModel())
    options, notes = judged(workspace, Taught(nothing, names))
    assert all(option.expected_profit < 0 for option in options.values())
    assert "stay: save rates are learned from outcomes" in notes


def test_a_learned_effect_on_retention_is_what_decisions_count_on(workspace):
    bundle = load_version(workspace.store)
    names = tuple(signal.name for signal in bundle.model.signals)
    learned = CampaignResponse("learned", None, EffectModel(level=0.01))
    options, _ = judged(workspace, Taught(learned, names))
    assert len(options) > 10
    for option in options.values():
        assert option.retention_change == pytest.approx(0.01)


def test_signals_that_are_gone_leave_what_was_measured(workspace):
    measured = Effect(0.9, 0.88, 0.92, 0.01, 0.05, 0.5, 5000, 5000)
    learned = CampaignResponse("learned", measured, EffectModel())
    with_model, notes = judged(workspace, Taught(learned, ("no_such_signal",)))
    alone, _ = judged(workspace, Taught(CampaignResponse("measured", measured), ()))
    assert with_model == alone
    assert "stay: the save rate is measured" in notes
