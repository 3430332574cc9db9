"""Each planted fault is stopped by the gate made for it, with the exit code of the contract.

All go through `keepworth retrain` as an operator would call it, on a business whose version 1
serves.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.store.serving_version import find_version, known_versions
from serving.workspace import open_workspace
from tests.serving.commands.small_workspace import write_small_workspace
from tests.serving.commands.terminal import done, keepworth
from tests.serving.retraining import telling
from tests.serving.retraining.steady import (
    COLUMNS,
    CONFIGURATION,
    MONTHS,
    SETTINGS,
    months_later,
    steady_lines,
)
from tests.serving.retraining.telling import Line, telling_lines, write_telling_workspace

END = months_later(MONTHS)
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
Change = Callable[[list[str]], list[str]]
Answer = dict[str, Any]
TELLING = """
[retraining]
compare_months = 1
compare_cutoffs = 3
median_move = 2.0
"""
SERVED = months_later(telling.MONTHS - 3)
"""Version 1 of the telling business was trained as of then: before all windows compared."""
BLIND = """
[features]
left_out = ["support"]
"""


def write_steady(folder: Path, change: Change = lambda newest: newest, extra: str = "") -> None:
    """Write the steady business, the lines of its last thirty days changed; version 1 serves."""
    lines = [(at, line) for at, line in steady_lines(seed=3) if at < END]
    begins = END - timedelta(days=30)
    known = [line for at, line in lines if at < begins]
    newest = change([line for at, line in lines if at >= begins])
    configuration = CONFIGURATION.format(until=f"{END:%Y-%m-%d}", settings=SETTINGS + extra)
    write_small_workspace(folder, configuration, COLUMNS, *known, *newest)
    trained(folder, "2024-03-01")


def trained(folder: Path, as_of: str) -> None:
    done("ingest", "-C", folder)
    done("train", "-C", folder, "--as-of", as_of)


def stopped(folder: Path, code: int, outcome: str) -> dict[str, Answer]:
    """Run the job; return the gates that are closed by name, each with a way out."""
    told = keepworth("retrain", "-C", folder, "--json")
    assert (told.code, told.json["outcome"]) == (code, outcome), told.out + told.err
    gates = [*told.json["data_gates"], *told.json["gates"]]
    closed = {gate["gate"]: gate for gate in gates if not gate["passed"]}
    assert all(gate["found"] and gate["way_out"] for gate in closed.values())
    assert find_version(open_workspace(folder).store).version == "1"
    return closed


def refused_data(folder: Path) -> dict[str, Answer]:
    closed = stopped(folder, 12, "data refused")
    assert known_versions(open_workspace(folder).store) == {"1"}
    return closed


def refused_version(folder: Path) -> dict[str, Answer]:
    closed = stopped(folder, 10, "refused")
    assert known_versions(open_workspace(folder).store) == {"1", "2"}
    return closed


def test_without_a_fault_the_version_is_promoted(tmp_path: Path) -> None:
    write_steady(tmp_path)
    told = keepworth("retrain", "-C", tmp_path, "--json")
    assert (told.code, told.json["outcome"]) == (0, "promoted")
    gates = [*told.json["data_gates"], *told.json["gates"]]
    assert all(gate["passed"] for gate in gates)


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
    ("change", "gate", "told"),
    [
        (half, "volume", "ingest what is missing"),
        (hundredfold, "units", "major unit of business.currency"),
        (without_usage, "kinds", "ingest their sources"),
    ],
)
def test_faults_of_the_newest_month_are_refused_before_training(
    tmp_path: Path, change: Change, gate: str, told: str
) -> None:
    write_steady(tmp_path, change)
    assert told in refused_data(tmp_path)[gate]["way_out"]


def test_stale_data_is_refused(tmp_path: Path) -> None:
    write_steady(tmp_path, extra="max_age_days = 7.0\n")
    closed = refused_data(tmp_path)
    assert set(closed) == {"freshness"}
    assert "at most 7.0 days" in closed["freshness"]["way_out"]


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
    write_steady(tmp_path, extra=extra)
    closed = refused_data(tmp_path)
    assert set(closed) == {"leak"}
    assert "fate_is_gone" in closed["leak"]["found"]
    assert "features.attributes" in closed["leak"]["way_out"]


def test_an_empty_log_is_refused_data(tmp_path: Path) -> None:
    configuration = CONFIGURATION.format(until=f"{END:%Y-%m-%d}", settings=SETTINGS)
    write_small_workspace(tmp_path, configuration)
    for more in ((), ("--dry-run",), ("--force", "--reason", "try")):
        told = keepworth("retrain", "-C", tmp_path, "--json", *more)
        assert (told.code, told.json["outcome"]) == (12, "data refused")
        [gate] = told.json["data_gates"]
        assert "keepworth ingest" in gate["way_out"]
    assert "keepworth ingest" in keepworth("retrain", "-C", tmp_path).out


def write_blind(folder: Path, warns: tuple[str, ...], settings: str) -> None:
    """Write a business whose complaints version 1 heeds, then tell keepworth to heed none."""
    lines = telling_lines(warns)
    write_telling_workspace(folder, settings, lines)
    trained(folder, f"{SERVED:%Y-%m-%d}")
    write_telling_workspace(folder, settings + BLIND, lines)


def test_a_worse_challenger_is_registered_and_serves_only_by_force(tmp_path: Path) -> None:
    write_blind(tmp_path, ("Mini", "Basic"), TELLING)
    closed = refused_version(tmp_path)
    assert "churn is worse than champion" in closed["champion"]["found"]
    assert "champion as it is" in closed
    again = keepworth("retrain", "-C", tmp_path, "--json")
    assert again.code == 11
    forced = done("retrain", "-C", tmp_path, "--force", "--reason", "we know better")
    assert (forced["outcome"], forced["model_version"]) == ("promoted", "2")
    [*_, newest] = done("promote", "--list", "-C", tmp_path)["changes"]
    assert newest["reason"] == "forced: we know better"
    assert find_version(open_workspace(tmp_path).store).version == "2"


def test_one_that_ruins_a_segment_is_refused_though_not_worse_by_much_as_a_whole(
    tmp_path: Path,
) -> None:
    write_blind(tmp_path, ("Mini",), TELLING + "worse_by = 0.1\n")
    closed = refused_version(tmp_path)
    assert "segments" in closed
    assert "champion" not in closed
    assert "loss/" in closed["segments"]["found"]


def shuffled(lines: list[Line]) -> list[Line]:
    """Let the exits of the last three months be of other customers, drawn from all who stay."""
    gone = {who for at, who, kind, _ in lines if kind == "cancel" and at < SERVED}
    there = sorted({who for at, who, *_ in lines if at < SERVED} - gone)
    moved = [line for line in lines if line[2] == "cancel" and line[0] >= SERVED]
    others = np.random.default_rng(1).permutation(there)[: len(moved)]
    kept = [line for line in lines if line[2] != "cancel" or line[0] < SERVED]
    return kept + [
        (at, str(who), kind, rest) for (at, _, kind, rest), who in zip(moved, others, strict=True)
    ]


def test_shuffled_labels_are_refused(tmp_path: Path) -> None:
    lines = telling_lines(("Mini", "Basic"))
    write_telling_workspace(tmp_path, TELLING, shuffled(lines))
    trained(tmp_path, f"{SERVED:%Y-%m-%d}")
    closed = refused_version(tmp_path)
    assert "churn is worse than naive" in closed["naive formulas"]["found"]
