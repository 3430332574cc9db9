from pathlib import Path

import pytest

from features.catalogue import Vocabulary, catalogue
from features.catalogue_page import catalogue_page

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "signals.md"


def test_the_committed_page_is_what_the_signals_say():
    told = "run `python -m features.catalogue_page > docs/signals.md`"
    assert COMMITTED.read_text("utf-8") == catalogue_page(), told


@pytest.mark.parametrize("contract", ["subscription", "transactional"])
def test_every_signal_stands_on_the_page_once(contract):
    page = catalogue_page()

    counts = {s.name: page.count(f"| `{s.name}` |") for s in catalogue(contract, Vocabulary())}

    assert set(counts.values()) == {1}


def test_words_of_a_business_are_shown_by_example():
    page = catalogue_page()

    assert "| `minutes_30d` | Sum of minutes in the last 30 days. | minutes | 30 days |" in page
    assert "| `minutes_of_allowance_30d` |" in page
    assert "| `support_high_30d` |" in page
    assert "| `extra_revenue_365d` |" in page
    assert "| `country_is_at` |" in page
    assert "| `age` | Attribute age from the customers table. | number |" in page


def test_every_row_has_six_cells():
    rows = [line for line in catalogue_page().splitlines() if line.startswith("|")]

    assert {line.count("|") for line in rows} == {7}
