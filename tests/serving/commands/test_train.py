"""What `keepworth train` says of the signals it learned from, and of those it left out."""

from pathlib import Path

import pytest

from tests.serving.commands.small_workspace import write_leaving_workspace
from tests.serving.commands.terminal import done, keepworth


@pytest.fixture
def few_leave(tmp_path: Path) -> Path:
    """Return a workspace of 120 subscribers, of whom every fourth leaves within the year."""
    folder = write_leaving_workspace(tmp_path)
    done("ingest", "-C", folder)
    return folder


def test_too_few_exits_are_told_in_plain_words_and_warned_of_in_scores(few_leave: Path) -> None:
    told = keepworth("train", "-C", few_leave)
    scored = done("score", "-C", few_leave)

    assert told.code == 0
    said = " ".join(told.out.split())
    assert "Too few exits to learn from signals (fewer than 100, or all in one month)" in said
    assert "from tenure and booked ends alone, and no other signal moves it" in said
    assert "anchor" not in said
    csv = next(Path(place) for place in scored["scores"] if place.endswith(".csv"))
    assert "churn rests on tenure and booked ends alone" in csv.read_text()


def test_signals_listed_are_those_learned_from_and_those_left_out(few_leave: Path) -> None:
    trained = done("train", "-C", few_leave)
    signals = done("features", "-C", few_leave, "--list")["signals"]

    assert trained["learned_from_signals"] is False
    # Less than two years were seen: only the time of year is left out.
    season = [signal["name"] for signal in signals if signal["group"] == "season"]
    assert trained["signals_left_out"] == season
    assert trained["n_signals"] + len(season) == len(signals)
