"""However often it is run, killed or run beside itself, the job comes to one decision."""

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest

from features.ingest.lock import WorkspaceBusyError
from serving.retraining.job import LEASE, Order, holder_of, retrain
from serving.retraining.site import key_of, site_of
from serving.store.decisions import list_decisions
from serving.store.fencing import StaleTokenError, take_lease
from serving.store.promoting import Act, list_promotions, promote_version
from serving.store.serving_version import find_version, known_versions
from serving.workspace import Workspace, open_workspace
from training.tracking import KEY_TAG, REGISTERED_NAME, champion, embedded_store

NOW = datetime(2024, 5, 2, tzinfo=UTC)
STAGES = (
    "draining what was posted",
    "checking the data",
    "looking whether it is due",
    "building features, and looking for leaks",
    "fitting the challenger",
    "comparing",
    "registering",
    "deciding",
    "telling the registry, and writing the note",
)
pytestmark = pytest.mark.long
processes = multiprocessing.get_context("forkserver")


def run(folder: Path, url: str | None, stage: str = "", after_seconds: float = 0.0) -> None:
    """Run the job, and be killed so many seconds after a stage has begun."""
    embedded = open_workspace(folder)
    workspace = Workspace(embedded.folder, embedded.configuration, url)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def tell(what: str, _share: float) -> None:
        if what == stage:
            threading.Timer(after_seconds, die).start() if after_seconds else die()

    retrain(workspace, Order(), NOW, tell)


def killed(workspace: Workspace, stage: str, after_seconds: float = 0.0) -> None:
    arguments = (workspace.folder, workspace.store_url, stage, after_seconds)
    process = processes.Process(target=run, args=arguments)
    process.start()
    process.join(400)
    assert process.exitcode == -signal.SIGKILL


def require_one_of_everything(workspace: Workspace) -> None:
    """Hold that one version was made and promoted once, and that nothing else is left."""
    store = workspace.store
    made = known_versions(store) - {"1"}
    assert len(made) == 1
    [version] = made
    assert find_version(store).version == version
    assert [each.version for each in list_promotions(store) if each.action == "retrain"] == [
        version
    ]
    decided = [each for each in list_decisions(store) if each.outcome == "promoted"]
    assert [(each.version, each.is_finished) for each in decided] == [(version, True)]
    assert {each.name for each in workspace.models.iterdir()} == {"1", version}
    assert not list((workspace.state / "retraining").iterdir())
    require_one_in_registry(workspace, version)


def require_one_in_registry(workspace: Workspace, version: str) -> None:
    assert champion(embedded_store(workspace.folder)) == version
    client = mlflow.MlflowClient()
    tagged = [
        each.version
        for each in client.search_model_versions(f"name = '{REGISTERED_NAME}'")
        if KEY_TAG in each.tags
    ]
    assert [str(each) for each in tagged] == [version]
    experiments = [each.experiment_id for each in client.search_experiments()]
    assert len(client.search_runs(experiments)) == 1
    assert len(client.search_logged_models(experiments)) == 1


def test_run_twice_there_is_one_version_and_one_promotion(workspace: Workspace) -> None:
    assert retrain(workspace, Order(), NOW).name == "promoted"
    again = retrain(workspace, Order(), NOW)
    assert again.name == "not due"
    assert "was promoted" in again.answer["reasons"][0]["found"]
    require_one_of_everything(workspace)


def test_killed_between_the_promotion_and_the_alias_the_next_run_ends_it(folder: Path) -> None:
    workspace = open_workspace(folder)
    killed(workspace, STAGES[-1])
    assert find_version(workspace.store).version != "1"
    outcome = retrain(workspace, Order(), NOW)
    assert (outcome.name, Path(outcome.answer["note"]).is_file()) == ("promoted", True)
    require_one_of_everything(workspace)


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_stage_the_next_run_goes_on(workspace: Workspace, stage: str) -> None:
    killed(workspace, stage)
    assert retrain(workspace, Order(), NOW).name == "promoted"
    require_one_of_everything(workspace)


@pytest.mark.parametrize("after_seconds", [0.3, 0.8, 1.5, 2.5, 4.0])
def test_killed_while_it_registers_nothing_is_left_twice(
    folder: Path, after_seconds: float
) -> None:
    workspace = open_workspace(folder)
    killed(workspace, "registering", after_seconds)
    if retrain(workspace, Order(), NOW).name == "not due":
        pytest.skip("it had ended by then")
    require_one_of_everything(workspace)


def test_a_finished_stage_is_not_done_again(folder: Path) -> None:
    workspace = open_workspace(folder)
    killed(workspace, "registering")
    site = site_of(workspace, key_of(workspace))
    fitted = (site.bundle / "bundle.json").stat().st_mtime_ns
    seen: list[int] = []

    def look() -> None:
        seen.append((site.bundle / "bundle.json").stat().st_mtime_ns)

    assert retrain(workspace, Order(), NOW, at("registering", look)).name == "promoted"
    assert seen == [fitted]


def test_two_at_once_on_one_machine_are_one(folder: Path) -> None:
    workspace = open_workspace(folder)
    refused: list[Exception] = []

    def beside(what: str, _share: float) -> None:
        if what == "comparing":
            try:
                retrain(open_workspace(folder), Order(), NOW)
            except WorkspaceBusyError as error:
                refused.append(error)

    assert retrain(workspace, Order(), NOW, beside).name == "promoted"
    assert len(refused) == 1
    require_one_of_everything(workspace)


@pytest.mark.parametrize("workspace", ["postgresql"], indirect=True)
def test_two_at_once_on_two_machines_are_one(workspace: Workspace, tmp_path: Path) -> None:
    other_folder = Path(shutil.copytree(workspace.folder, tmp_path / "other machine"))
    other = Workspace(other_folder, workspace.configuration, workspace.store_url)
    refused: list[Exception] = []

    def beside(what: str, _share: float) -> None:
        if what == "comparing":
            try:
                retrain(other, Order(), NOW)
            except WorkspaceBusyError as error:
                refused.append(error)

    assert retrain(workspace, Order(), NOW, beside).name == "promoted"
    assert len(refused) == 1
    assert retrain(other, Order(), NOW).name == "not due"
    require_one_of_everything(workspace)


def test_a_run_on_another_machine_is_kept_away_by_the_lease(workspace: Workspace) -> None:
    take_lease(workspace.store, LEASE, "another machine", datetime.now(UTC))
    with pytest.raises(WorkspaceBusyError, match="another machine holds"):
        retrain(workspace, Order(), NOW)
    assert known_versions(workspace.store) == {"1"}


def at(stage: str, act: Callable[[], object]) -> Callable[[str, float], None]:
    def tell(what: str, _share: float) -> None:
        if what == stage:
            act()

    return tell


def test_a_run_whose_lease_was_taken_over_cannot_promote(workspace: Workspace) -> None:
    much_later = datetime(2100, 1, 1, tzinfo=UTC)

    def take_over() -> None:
        take_lease(workspace.store, LEASE, "another machine", much_later)

    with pytest.raises(StaleTokenError):
        retrain(workspace, Order(), NOW, at("deciding", take_over))
    assert find_version(workspace.store).version == "1"
    assert known_versions(workspace.store) == {"1"}


def test_a_hand_that_changes_what_serves_stops_a_run_that_compared_with_another(
    folder: Path,
) -> None:
    workspace = open_workspace(folder)
    retrain(workspace, Order(), NOW)
    by_hand = Act("promote", NOW, "by hand")
    second = find_version(workspace.store).version
    promote_version(workspace.store, "1", by_hand)

    def promote() -> None:
        promote_version(workspace.store, second, by_hand)

    forced = Order(is_forced=True, reason="try")
    with pytest.raises(StaleTokenError):
        retrain(workspace, forced, NOW, at("deciding", promote))
    assert find_version(workspace.store).version == second


def test_what_was_rolled_back_is_not_promoted_again_by_itself(folder: Path) -> None:
    workspace = open_workspace(folder)
    second = retrain(workspace, Order(), NOW).answer["model_version"]
    promote_version(workspace.store, "1", Act("promote", NOW, "the second was odd"))
    assert retrain(workspace, Order(), NOW).name == "not due"
    forced = retrain(workspace, Order(is_forced=True, reason="it was not"), NOW)
    assert (forced.name, forced.answer["model_version"]) == ("promoted", second)
    assert list_promotions(workspace.store)[-1].reason == "forced: it was not"
    assert known_versions(workspace.store) == {"1", second}


def test_a_dry_run_changes_nothing(folder: Path) -> None:
    workspace = open_workspace(folder)
    changes = list_promotions(workspace.store)
    outcome = retrain(workspace, Order(is_dry=True), NOW)
    assert (outcome.name, outcome.answer["model_version"]) == ("promoted", None)
    assert list_promotions(workspace.store) == changes
    assert list_decisions(workspace.store) == []
    assert known_versions(workspace.store) == {"1"}
    assert not (folder / "mlruns").exists()


def test_the_holder_of_a_lease_is_the_folder_on_this_machine(folder: Path) -> None:
    assert holder_of(open_workspace(folder)).endswith(f":{folder}")
