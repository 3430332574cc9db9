"""Each planted fault is stopped by the gate made for it, with the exit code of the contract."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.retraining.job import Order, Outcome, outcome_code, retrain
from serving.store.serving_version import known_versions
from serving.workspace import open_workspace
from tests.serving.commands.small_workspace import write_small_workspace
from tests.serving.commands.terminal import done
from tests.serving.retraining.steady import (
    COLUMNS,
    CONFIGURATION,
    MONTHS,
    SETTINGS,
    months_later,
    steady_lines,
)

END = months_later(MONTHS)
NOW = END + timedelta(days=1)
pytestmark = pytest.mark.long
Change = Callable[[list[str]], list[str]]


def ran(
    folder: Path, change: Change = lambda newest: newest, extra: str = "", **beside: Any
) -> Outcome:
    """Run the job on the steady business, the lines of its last thirty days changed."""
    lines = [(at, line) for at, line in steady_lines(seed=3) if at < END]
    begins = END - timedelta(days=30)
    known = [line for at, line in lines if at < begins]
    newest = change([line for at, line in lines if at >= begins])
    configuration = CONFIGURATION.format(until=f"{END:%Y-%m-%d}", settings=SETTINGS + extra)
    write_small_workspace(folder, configuration, COLUMNS, *known, *newest)
    done("ingest", "-C", folder)
    done("train", "-C", folder, "--as-of", "2024-03-01")
    return retrain(open_workspace(folder), Order(), **({"now": NOW} | beside))


def stopped_by(outcome: Outcome) -> list[str]:
    gates = [*outcome.answer["data_gates"], *outcome.answer["gates"]]
    return [gate["gate"] for gate in gates if not gate["passed"]]


def test_without_a_fault_the_version_is_promoted(tmp_path: Path) -> None:
    outcome = ran(tmp_path)
    assert (outcome.name, stopped_by(outcome)) == ("promoted", [])
    assert outcome_code(outcome.name) == 0


def half(newest: list[str]) -> list[str]:
    return newest[::2]


def hundredfold(newest: list[str]) -> list[str]:
    return [_times_hundred(line) if ",usage," in line else line for line in newest]


def _times_hundred(line: str) -> str:
    *before, amount, label = line.split(",")
    return ",".join([*before, str(float(amount) * 100), label])


def without_usage(newest: list[str]) -> list[str]:
    return [line for line in newest if ",usage," not in line]


@pytest.mark.parametrize(
    ("change", "gate"), [(half, "volume"), (hundredfold, "units"), (without_usage, "kinds")]
)
def test_faults_of_the_newest_month_are_refused_before_training(
    tmp_path: Path, change: Change, gate: str
) -> None:
    outcome = ran(tmp_path, change)
    assert gate in stopped_by(outcome)
    assert (outcome.name, outcome_code(outcome.name)) == ("data refused", 12)
    assert known_versions(open_workspace(tmp_path).store) == {"1"}


def test_stale_data_is_refused(tmp_path: Path) -> None:
    late = END + timedelta(days=30)
    outcome = ran(tmp_path, extra="max_age_days = 7.0\n", now=late)
    assert (outcome.name, stopped_by(outcome)) == ("data refused", ["freshness"])


def test_an_attribute_that_knows_the_outcome_is_refused(tmp_path: Path) -> None:
    lines = [line for at, line in steady_lines(seed=3) if at < END]
    left = {line.split(",")[0] for line in lines if ",cancel," in line}
    joined = [line.split(",") for line in lines if ",subscribe," in line]
    rows = [f"{who},{at},{'gone' if who in left else 'here'}" for who, _, at, *_ in joined]
    write_small_workspace(tmp_path, "", "")
    (tmp_path / "people.csv").write_text("customer_id,acquired_at,fate\n" + "\n".join(rows) + "\n")
    extra = """
[features]
attributes = ["fate"]

[[sources]]
name = "people"
into = "customers"
files = { people = "people.csv" }
select = "SELECT * FROM people"
"""
    outcome = ran(tmp_path, extra=extra)
    assert (outcome.name, stopped_by(outcome)) == ("data refused", ["leak"])
    [leak] = [gate for gate in outcome.answer["data_gates"] if gate["gate"] == "leak"]
    assert "fate_is_gone" in leak["found"]
