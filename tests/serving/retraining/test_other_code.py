"""Worse code, installed beside a version that serves: refused on the way that production goes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from serving.retraining.job import Order, Outcome, outcome_code, retrain
from serving.store.serving_version import find_version, known_versions
from serving.workspace import open_workspace
from tests.serving.commands.terminal import done
from training.check import Check
from training.comparison import AS_IT_IS
from training.hazard import HazardModel, fit_hazard

NOW = datetime(2024, 5, 2, tzinfo=UTC)
SERVING = "2"
pytestmark = pytest.mark.long


def spoil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let worse code be installed: everybody's odds of leaving come out ten times as high."""

    def fit_spoiled(*arguments: Any, **named: Any) -> tuple[HazardModel, Check | None]:
        hazard, check = fit_hazard(*arguments, **named)
        return replace(hazard, anchor=replace(hazard.anchor, a=hazard.anchor.a * 10)), check

    monkeypatch.setattr("training.subscription.fit_hazard", fit_spoiled)


def say_other_code_made(folder: Path) -> None:
    """Write down that what serves came out of code that is gone."""
    recipe = folder / "state" / "models" / SERVING / "recipe.json"
    recipe.write_text(json.dumps(json.loads(recipe.read_text()) | {"code": "older"}))


def add_setting(folder: Path, line: str) -> None:
    settings = folder / "keepworth.toml"
    settings.write_text(settings.read_text().replace("[retraining]", f"[retraining]\n{line}"))


def require_refused(folder: Path, outcome: Outcome) -> list[str]:
    """Hold that what serves still does; return the gates that are closed."""
    assert (outcome.name, outcome_code(outcome.name)) == ("refused", 10)
    store = open_workspace(folder).store
    assert find_version(store).version == SERVING
    assert known_versions(store) == {"1", SERVING, outcome.answer["model_version"]}
    gates = [*outcome.answer["data_gates"], *outcome.answer["gates"]]
    return [gate["gate"] for gate in gates if not gate["passed"]]


def test_where_nothing_but_the_data_is_newer_bounds_hold_without_an_excuse(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("train", "-C", folder, "--as-of", "2024-04-15")
    add_setting(folder, "every_days = 10")
    spoil(monkeypatch)
    outcome = retrain(open_workspace(folder), Order(), NOW)
    assert {"calibration", "naive formulas"} <= set(require_refused(folder, outcome))
    [champion] = [gate for gate in outcome.answer["gates"] if gate["gate"] == "champion"]
    assert champion["passed"]
    assert "nothing to compare" in champion["found"]


def test_worse_code_is_held_against_what_serves_since_that_was_trained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("train", "-C", folder, "--as-of", "2024-03-20")
    say_other_code_made(folder)
    settings = folder / "keepworth.toml"
    settings.write_text(settings.read_text().replace("compare_months = 1", "compare_months = 3"))
    spoil(monkeypatch)
    outcome = retrain(open_workspace(folder), Order(), NOW)
    closed = {"champion as it is", "calibration", "naive formulas"}
    assert closed <= set(require_refused(folder, outcome))
    windows = {
        (row["cutoff"][:10], row["months"])
        for row in outcome.answer["metrics"]
        if row["model"] == AS_IT_IS
    }
    assert windows == {("2024-03-20", 1)}


def test_other_code_waits_until_a_month_is_over_since_what_serves_was_trained(
    folder: Path,
) -> None:
    done("train", "-C", folder, "--as-of", "2024-04-15")
    say_other_code_made(folder)
    outcome = retrain(open_workspace(folder), Order(), NOW)
    assert require_refused(folder, outcome) == ["champion as it is"]
