"""`keepworth drain`, and how what was posted meets what is ingested."""

import json
from pathlib import Path

import pytest

from features.ingest.lock import writing
from serving.store.recording import record_events
from serving.workspace import open_workspace
from tests.serving.commands.small_workspace import CONFIGURATION, write_small_workspace
from tests.serving.commands.terminal import done, keepworth
from tests.serving.store.posted import SmallLog, event

EXPORT = "event_id,customer_id,kind,occurred_at,amount,label"
SUBSCRIBED = "s1,c1,subscribe,2024-01-01T00:00:00Z,10,Basic"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_small_workspace(tmp_path / "shop", CONFIGURATION, EXPORT, SUBSCRIBED)
    done("ingest", "-C", folder)
    return folder


def test_a_drain_accounts_for_every_event(folder: Path) -> None:
    workspace = open_workspace(folder)
    record_events(workspace.store, [event(1), event(2)], SmallLog())
    answer = done("drain", "-C", folder)
    assert answer == {
        "batches": 1,
        "new": 2,
        "repeated": 0,
        "quarantined": 0,
        "quarantine_files": [],
        "waiting": 0,
        "events_in_log": 3,
    }
    assert "0 posted events drained" in keepworth("drain", "-C", folder).out


def test_an_export_that_holds_what_was_posted_repeats_it(folder: Path) -> None:
    workspace = open_workspace(folder)
    posted = event(1, label="visits")
    record_events(workspace.store, [posted], SmallLog())
    done("drain", "-C", folder)
    occurred = workspace.log().span()[1].isoformat()
    exported = f"e1,c,usage,{occurred},1,visits"
    (folder / "raw.csv").write_text(f"{EXPORT}\n{SUBSCRIBED}\n{exported}" + "\n")
    report = done("ingest", "-C", folder)
    assert (report["new"], report["repeated"], report["quarantined"]) == (0, 2, 0)


def test_an_export_with_another_receipt_time_of_its_own_contradicts(folder: Path) -> None:
    workspace = open_workspace(folder)
    record_events(workspace.store, [event(1, label="visits")], SmallLog())
    done("drain", "-C", folder)
    occurred = workspace.log().span()[1].isoformat()
    lines = [f"{EXPORT},recorded_at", f"{SUBSCRIBED},"]
    lines.append(f"e1,c,usage,{occurred},1,visits,2026-01-01T00:00:00Z")
    (folder / "raw.csv").write_text("\n".join(lines) + "\n")
    told = keepworth("ingest", "-C", folder)
    assert told.code == 3
    assert "recorded_at" in told.err


def test_a_drain_waits_for_no_other_writer(folder: Path) -> None:
    with writing(folder / "state"):
        assert keepworth("drain", "-C", folder).code == 5


def test_a_store_that_is_away_is_told_without_its_password(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://me:secret@127.0.0.1:1/nothing"
    monkeypatch.setenv("KEEPWORTH_STORE_URL", url)
    told = keepworth("drain", "-C", folder, "--json")
    assert told.code == 2
    problem = json.loads(told.out)
    assert problem["errors"][0]["key"] == "KEEPWORTH_STORE_URL"
    assert "secret" not in told.out + told.err
