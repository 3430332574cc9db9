"""`keepworth doctor`: what is broken is told apart from what is sound, with the way out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import mlflow
import pytest
from sqlalchemy import insert

from features.ingest.lock import writing
from features.mistakes import ConfigurationError
from serving.api.current import Current
from serving.api.serve import serve
from serving.store.recording import record_events
from serving.store.tables import drained_batch
from serving.workspace import Workspace, open_workspace
from tests.serving.api.calls import copy_of
from tests.serving.campaigns.written import CARE, STAY, with_campaigns
from tests.serving.commands.terminal import keepworth
from tests.serving.store.posted import SmallLog, event
from training.tracking import ALIAS, REGISTERED_NAME, embedded_store


def findings(folder: Path, code: int = 0) -> dict[str, dict[str, str]]:
    """Return the findings by part; the command ends with this exit code."""
    run = keepworth("doctor", "--json", "-C", folder)
    assert run.code == code, run.out
    assert run.json["sound"] is (code == 0)
    return {finding["part"]: finding for finding in run.json["findings"]}


def test_a_workspace_without_a_model_is_told_what_comes_next(ingested: Path) -> None:
    found = findings(ingested)

    assert {part: finding["state"] for part, finding in found.items()} == {
        "log": "sound", "lock": "sound", "live store": "sound", "keys": "sound", "model": "look",
        "registry": "look", "disk": "sound",
    }  # fmt: skip
    assert "1 events" in found["log"]["found"]
    assert "keepworth train" in found["model"]["advice"]


def test_a_file_of_the_log_that_was_altered_is_named(ingested: Path) -> None:
    [file] = (ingested / "state" / "log").rglob("events-*.parquet")
    file.write_bytes(file.read_bytes()[:-1] + b"?")

    found = findings(ingested, code=1)["log"]

    assert found["state"] == "broken"
    assert file.name in found["found"]
    assert "restore state/log from a copy" in found["advice"]
    # The log alone holds drained events and who was erased: ingesting again brings neither back.
    assert "ingest" not in found["advice"]


def test_a_file_of_the_log_that_is_missing_is_named(ingested: Path) -> None:
    [file] = (ingested / "state" / "log").rglob("events-*.parquet")
    file.unlink()

    assert file.name in findings(ingested, code=1)["log"]["found"]


def test_who_writes_and_what_waits_is_told(ingested: Path) -> None:
    workspace = open_workspace(ingested)
    record_events(workspace.store, [event(1), event(2)], SmallLog())
    begun = datetime.now(UTC) - timedelta(hours=2)
    with workspace.store.writing() as connection:
        row = {"batch_id": "drain-1", "claimed_at": begun.isoformat()}
        connection.execute(insert(drained_batch).values(row))
    with writing(workspace.state):
        found = findings(ingested)

    assert found["lock"]["state"] == found["drain"]["state"] == "look"
    assert "2 posted events wait" in found["live store"]["found"]
    assert "keepworth drain" in found["drain"]["advice"]


def test_an_altered_model_is_broken(operator_workspace: Workspace, tmp_path: Path) -> None:
    folder = copy_of(operator_workspace, tmp_path / "copy").folder
    bundle = folder / "state" / "models" / "1" / "bundle.json"
    bundle.write_text(bundle.read_text() + " ")

    found = findings(folder, code=1)["model"]

    assert found["state"] == "broken"
    assert "bundle.json" in found["found"]


def test_a_campaign_that_cannot_run_is_broken_and_the_service_does_not_start(
    operator_workspace: Workspace, tmp_path: Path
) -> None:
    misspelt = CARE.replace("churn_3m", "chrun_3m")
    workspace = with_campaigns(operator_workspace, tmp_path / "misspelt", misspelt)

    found = findings(workspace.folder, code=1)["campaigns"]

    assert "chrun_3m" in found["found"] + found["advice"]
    with pytest.raises(ConfigurationError, match="chrun_3m"):
        Current(workspace)
    with pytest.raises(ConfigurationError, match="chrun_3m"):
        serve(workspace, "127.0.0.1", 3999, 1)
    sound = with_campaigns(operator_workspace, tmp_path / "sound", CARE, STAY)
    assert findings(sound.folder)["campaigns"]["found"] == "2 can run with version 1"


def test_a_champion_that_does_not_serve_is_told(
    operator_workspace: Workspace, tmp_path: Path
) -> None:
    folder = copy_of(operator_workspace, tmp_path / "copy").folder
    assert findings(folder)["registry"] == {
        "part": "registry",
        "state": "look",
        "found": "MLflow's champion is nobody, and version 1 serves",
        "advice": "what serves is right; `keepworth promote 1` moves the alias to it",
    }
    mlflow.set_tracking_uri(embedded_store(folder).uri)
    client = mlflow.MlflowClient()
    client.create_registered_model(REGISTERED_NAME)
    for version in ("1", "2"):
        client.create_model_version(REGISTERED_NAME, (folder / "state" / "models" / "1").as_uri())
        client.set_registered_model_alias(REGISTERED_NAME, ALIAS, version)
        state = findings(folder)["registry"]["state"]
        assert state == ("sound" if version == "1" else "look")
