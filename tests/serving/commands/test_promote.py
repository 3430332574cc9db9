"""`keepworth promote` and `rollback`: one command, seen in the next answer, on record."""

import shutil
from pathlib import Path

import pytest

from serving.workspace import open_workspace
from tests.serving.api.calls import calling
from tests.serving.commands.small_workspace import write_leaving_workspace
from tests.serving.commands.terminal import done, keepworth
from training.tracking import champion, embedded_store


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with versions 1 and 2, of which the second serves."""
    folder = write_leaving_workspace(tmp_path_factory.mktemp("leaving"))
    done("ingest", "-C", folder)
    done("train", "-C", folder, "--as-of", "2024-10-01")
    done("train", "-C", folder)
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of it; its runs in MLflow stay where they are."""
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def test_a_promotion_and_a_rollback_show_in_the_next_answer_of_every_worker(folder: Path) -> None:
    with calling(open_workspace(folder)) as one, calling(open_workspace(folder)) as other:
        workers = (one, other)
        assert [each.get("/v1/model").json()["version"] for each in workers] == ["2", "2"]
        answer = done("promote", "1", "-C", folder, "--reason", "odd scores")
        assert (answer["model_version"], answer["version_before"]) == ("1", "2")
        assert [each.get("/v1/model").json()["version"] for each in workers] == ["1", "1"]
        assert done("rollback", "-C", folder)["model_version"] == "2"
        assert [each.get("/v1/model").json()["version"] for each in workers] == ["2", "2"]


def test_the_alias_follows_what_serves(folder: Path) -> None:
    done("promote", "1", "-C", folder)
    assert champion(embedded_store(folder)) == "1"
    done("rollback", "-C", folder)
    assert champion(embedded_store(folder)) == "2"


def test_the_record_says_who_what_why_and_on_which_data(folder: Path) -> None:
    done("promote", "1", "-C", folder, "--reason", "odd scores")
    listed = done("promote", "--list", "-C", folder)
    assert [version["serves"] for version in listed["versions"]] == [True, False]
    last = listed["changes"][-1]
    assert (last["action"], last["reason"]) == ("promote", "odd scores")
    assert last["actor"].startswith("command line")
    assert last["facts"]["trained_until"].startswith("2024-10-01")
    assert last["facts"]["data_fingerprint"] == open_workspace(folder).log().fingerprint
    said = " ".join(keepworth("promote", "--list", "-C", folder).out.split())
    assert "odd scores" in said


def test_an_unknown_version_is_not_found_and_the_known_ones_are_named(folder: Path) -> None:
    told = keepworth("promote", "17", "-C", folder)
    assert told.code == 4
    assert "'17'; expected one of 1, 2" in told.err
    assert keepworth("promote", "-C", folder).code == 2


def test_a_version_whose_files_were_altered_is_not_let_serve(folder: Path) -> None:
    file = folder / "state" / "models" / "1" / "bundle.json"
    file.write_text(file.read_text() + " ")
    assert keepworth("promote", "1", "-C", folder).code == 3
    assert keepworth("rollback", "-C", folder).code == 3
    assert done("promote", "--list", "-C", folder)["versions"][1]["serves"]


def test_without_a_version_before_there_is_nothing_to_go_back_to(folder: Path) -> None:
    done("rollback", "-C", folder)
    told = keepworth("rollback", "-C", folder)
    assert told.code == 4
    assert "version 1, the first" in told.err


def test_promoting_what_serves_says_so_and_mends_the_alias(folder: Path) -> None:
    told = keepworth("promote", "2", "-C", folder)
    assert told.code == 0
    assert "serves already" in told.out
    assert champion(embedded_store(folder)) == "2"


def test_a_registry_that_is_away_does_not_hinder_and_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    answer = done("promote", "1", "-C", folder)
    assert answer["changed"]
    assert "alias could not follow" in answer["warnings"][0]
