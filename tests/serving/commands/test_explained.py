"""Reasons beside the scores of a portfolio: for those with most value at stake, and no others."""

import html
import shutil
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from features.instants import datetime_of
from serving.commands.explained import with_reasons
from serving.commands.portfolio import valued
from serving.store.serving_version import load_version
from serving.workspace import Workspace
from tests.serving.commands.terminal import keepworth
from training.known import observed_bounds

MOST = 40


@pytest.fixture(scope="module")
def tables(operator_workspace: Workspace) -> tuple[pa.Table, pa.Table]:
    """The scores of everybody, without reasons and with those of a few."""
    bundle = load_version(operator_workspace.store)
    log = operator_workspace.log()
    as_of = datetime_of(observed_bounds(log, bundle.business)[1])
    plain = valued(operator_workspace, bundle, as_of, workers=1).table
    return plain, with_reasons(plain, log, bundle, as_of, MOST)


def leaving(workspace: Workspace, as_of: datetime) -> set[str]:
    """Return who asked to leave at a time not before `as_of` and did not take it back."""
    log = workspace.log()
    events = pd.concat([log.read_events(b, as_of).to_pandas() for b in range(log.n_buckets)])
    latest = events[events["kind"].isin(["cancel", "cancel_withdrawn"])].sort_values("occurred_at")
    latest = latest.drop_duplicates("customer_id", keep="last")
    stands = (latest["kind"] == "cancel") & (latest["effective_at"] > as_of)
    return set(latest.loc[stands, "customer_id"])


def test_those_with_most_value_at_stake_get_reasons_unless_they_gave_notice(
    tables: tuple[pa.Table, pa.Table], operator_workspace: Workspace
) -> None:
    rows = tables[1].to_pylist()
    told = {row["customer_id"] for row in rows if row["reasons"] is not None}
    gone = leaving(operator_workspace, rows[0]["as_of"])
    by_stake = sorted(rows, key=lambda row: (-row["value_at_stake"], row["customer_id"]))
    staying = [row["customer_id"] for row in by_stake if row["customer_id"] not in gone]

    assert {row["customer_id"] for row in by_stake[:MOST]} & gone
    assert told == set(staying[:MOST])
    for row in rows:
        assert (row["reasons"] is None) == any(
            "reasons is null" in text for text in row["warnings"]
        )


def test_everything_else_stays_as_it_was(tables: tuple[pa.Table, pa.Table]) -> None:
    plain, told = (table.drop_columns(["reasons", "warnings"]) for table in tables)

    assert told.equals(plain)
    assert tables[0].schema == tables[1].schema


def test_the_reasons_are_printed_and_stand_in_the_report(
    operator_workspace: Workspace, tmp_path: Path
) -> None:
    folder = shutil.copytree(operator_workspace.folder, tmp_path / "workspace")

    told = keepworth("score", "-C", folder, "--explain", 12)
    scores = next(folder.glob("scores/*/scores.parquet"))
    report = next(folder.glob("reports/*/report.html")).read_text("utf-8")

    assert told.code == 0
    rows = pd.read_parquet(scores).dropna(subset="reasons")
    ranked = rows.sort_values("value_at_stake", ascending=False).to_dict("records")
    assert len(ranked) == 12
    assert "Whom to keep, and why" in report
    for place, row in enumerate(ranked):
        assert (row["customer_id"] in told.out) == (place < 10)
        assert all(html.escape(reason) in report for reason in row["reasons"])
    assert ranked[0]["reasons"][0].split(":")[0] in " ".join(told.out.split())
    assert "The reasons of 2 customers more stand in the scores." in told.out
