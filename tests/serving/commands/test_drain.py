"""`keepworth drain`, and how what was posted meets what is ingested."""

import json
from pathlib import Path

import pytest

from features.ingest.lock import writing
from serving.store.recording import record_events
from serving.workspace import open_workspace
from tests.serving.commands.small_workspace import ONE_SUBSCRIBED
from tests.serving.commands.terminal import done, keepworth
from tests.serving.store.posted import SmallLog, event


def test_a_drain_accounts_for_every_event(ingested: Path) -> None:
    workspace = open_workspace(ingested)
    record_events(workspace.store, [event(1), event(2)], SmallLog())
    answer = done("drain", "-C", ingested)
    assert answer == {
        "batches": 1,
        "new": 2,
        "repeated": 0,
        "quarantined": 0,
        "quarantine_files": [],
        "waiting": 0,
        "events_in_log": 3,
    }
    assert "0 posted events drained" in keepworth("drain", "-C", ingested).out


def test_an_export_that_holds_what_was_posted_repeats_it(ingested: Path) -> None:
    workspace = open_workspace(ingested)
    posted = event(1, label="visits")
    record_events(workspace.store, [posted], SmallLog())
    done("drain", "-C", ingested)
    occurred = workspace.log().span()[1].isoformat()
    exported = f"e1,c,usage,{occurred},1,visits"
    (ingested / "raw.csv").write_text("\n".join([*ONE_SUBSCRIBED, exported]) + "\n")
    report = done("ingest", "-C", ingested)
    assert (report["new"], report["repeated"], report["quarantined"]) == (0, 2, 0)


def test_an_export_with_another_receipt_time_of_its_own_contradicts(ingested: Path) -> None:
    workspace = open_workspace(ingested)
    record_events(workspace.store, [event(1, label="visits")], SmallLog())
    done("drain", "-C", ingested)
    occurred = workspace.log().span()[1].isoformat()
    head, subscribed = ONE_SUBSCRIBED
    lines = [f"{head},recorded_at", f"{subscribed},"]
    lines.append(f"e1,c,usage,{occurred},1,visits,2026-01-01T00:00:00Z")
    (ingested / "raw.csv").write_text("\n".join(lines) + "\n")
    told = keepworth("ingest", "-C", ingested)
    assert told.code == 3
    assert "recorded_at" in told.err


def test_a_drain_waits_for_no_other_writer(ingested: Path) -> None:
    with writing(ingested / "state"):
        assert keepworth("drain", "-C", ingested).code == 5


def test_a_store_that_is_away_is_told_without_its_password(
    ingested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://me:secret@127.0.0.1:1/nothing"
    monkeypatch.setenv("KEEPWORTH_STORE_URL", url)
    told = keepworth("drain", "-C", ingested, "--json")
    assert told.code == 2
    problem = json.loads(told.out)
    assert problem["errors"][0]["key"] == "KEEPWORTH_STORE_URL"
    assert "secret" not in told.out + told.err
