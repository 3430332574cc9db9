import re

import numpy as np
import pytest

from features.catalogue import Vocabulary, catalogue, signal_matrix
from features.history import history_from_events
from features.kernel import Moment
from features.profiles import unknown_profiles
from features.references import NO_REFERENCES
from features.signals.tenure import SEASON
from tests.features.histories import at, events_of
from tests.features.strategies import ROLLS

CONTRACTS = ("subscription", "transactional")
VOCABULARY = Vocabulary(("minutes", "searches"), {"country": ("AT", "DE"), "age": None})


@pytest.mark.parametrize("contract", CONTRACTS)
def test_each_contract_has_forty_signals_before_any_metric_or_attribute(contract):
    assert len(catalogue(contract, Vocabulary())) >= 40


@pytest.mark.parametrize("contract", CONTRACTS)
def test_names_are_unique_and_in_snake_case(contract):
    names = [signal.name for signal in catalogue(contract, VOCABULARY)]

    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_signal_has_a_sentence_and_a_unit(contract):
    for signal in catalogue(contract, VOCABULARY):
        assert re.fullmatch(r"\S.+\.", signal.sentence), signal.name
        assert signal.unit, signal.name
        assert signal.group, signal.name


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_window_is_in_the_name_exactly_where_there_is_one(contract):
    for signal in catalogue(contract, VOCABULARY):
        named = re.search(r"_(\d+)d$", signal.name)
        assert (int(named[1]) if named else None) == signal.window_days, signal.name


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("n_customers", [0, 2])
def test_signals_of_customers_without_a_history_are_0_or_missing_but_for_the_season(
    contract, n_customers
):
    history = history_from_events(events_of(), 100, ["ann", "bob"][:n_customers])
    signals = [signal for signal in catalogue(contract, VOCABULARY) if signal.group != SEASON]

    matrix = signal_matrix(
        Moment(history, unknown_profiles(n_customers), at("2024-01-01"), ROLLS, NO_REFERENCES),
        signals,
    )

    assert matrix.shape == (n_customers, len(signals))
    assert np.all(np.isnan(matrix) | (matrix == 0))


def test_words_of_the_business_make_names_in_snake_case():
    words = Vocabulary(("API calls (EU)",), {"Home Country": ("New Zealand",)})

    named = {s.name: s.sentence for s in catalogue("subscription", words)}

    assert named["api_calls_eu_30d"] == "Sum of API calls (EU) in the last 30 days."
    assert "home_country_is_new_zealand" in named


def test_words_that_make_a_name_that_is_taken_get_a_number():
    words = Vocabulary(("usage_events", "Usage events"), {"mrr": None})

    names = [signal.name for signal in catalogue("subscription", words)]

    assert [name for name in names if name.startswith("usage_events_30d")] == [
        "usage_events_30d",
        "usage_events_30d_2",
        "usage_events_30d_3",
    ]
    assert "mrr_2" in names


def test_no_word_of_a_business_takes_the_name_of_a_key():
    words = Vocabulary(levels={"Customer-ID": None, "as of": None})

    names = {signal.name for signal in catalogue("subscription", words)}

    assert {"customer_id_2", "as_of_2"} <= names
    assert not names & {"customer_id", "as_of"}


def test_an_allowance_is_of_the_one_metric_there_is_or_of_none():
    one, two = (
        Vocabulary(metrics, has_allowances=True) for metrics in (("visits",), ("gb", "minutes"))
    )

    named = [{s.name for s in catalogue("subscription", words)} for words in (one, two)]

    assert "visits_of_allowance_30d" in named[0]
    assert not any("allowance" in name for name in named[1])
