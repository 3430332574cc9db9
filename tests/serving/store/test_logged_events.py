"""The log by customer and by the ids of its events, from mapped copies of its files."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.ingest.lock import writing
from features.log import Log
from serving.store.audit import COMMAND_LINE
from serving.store.copies import MappedTable
from serving.store.erasing import erase_customers
from serving.store.logged_events import CurrentLog, LoggedEvents, despite_rewriting, id_number
from serving.store.mapped_tables import MappedTables
from serving.workspace import Workspace
from tests.serving.api.calls import copy_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def logged(operator_workspace: Workspace, tmp_path: Path) -> LoggedEvents:
    return LoggedEvents(operator_workspace.log(), MappedTables(tmp_path))


def _sorted(events: pa.Table) -> pa.Table:
    keys = [(name, "ascending") for name in ("customer_id", "occurred_at", "event_id")]
    return events.sort_by(keys).combine_chunks()


def test_customers_are_found_as_reading_their_buckets_finds_them(logged: LoggedEvents) -> None:
    log = logged.log
    everyone = pa.concat_tables([log.read_events(bucket) for bucket in range(log.n_buckets)])
    ids = sorted(set(everyone.column("customer_id").to_pylist()))[::97]
    among = pc.is_in(everyone.column("customer_id"), pa.array(ids))
    assert _sorted(logged.events_of(ids)).equals(_sorted(everyone.filter(among)))
    for customer_id in ids:
        profile = logged.profiles_of([customer_id])
        assert profile.to_pylist() == log.read_customers([customer_id]).to_pylist()
        assert logged.lists(customer_id)


def test_strangers_have_neither_events_nor_a_profile(logged: LoggedEvents) -> None:
    assert logged.events_of(["nobody", "", "\U0010ffff"]).num_rows == 0
    assert logged.profiles_of(["nobody"]).num_rows == 0
    assert not logged.lists("nobody")


def test_every_id_of_the_log_is_known_and_no_other(logged: LoggedEvents) -> None:
    ids = logged.log.read_events(0).column("event_id").to_pylist()[:2000]
    new = [f"{event_id}x" for event_id in ids]
    assert logged.known([*ids, *new]) == set(ids)
    assert logged.known([]) == set()


def test_an_event_is_found_by_its_id_with_its_own_customer_alone(logged: LoggedEvents) -> None:
    row = logged.log.read_events(0).slice(5, 1).to_pylist()[0]
    found = logged.find(row["customer_id"], row["event_id"])
    assert found is not None
    assert (found.kind, found.amount, found.label) == (row["kind"], row["amount"], row["label"])
    assert found.occurred_at == int(row["occurred_at"].timestamp() * 1e6)
    assert logged.find("nobody", row["event_id"]) is None


def test_an_empty_log_knows_nobody(tmp_path: Path) -> None:
    log = LoggedEvents(Log.open(tmp_path), MappedTables(tmp_path))
    assert log.events_of(["a"]).num_rows == 0
    assert log.known(["a"]) == set()
    assert not log.lists("a")


def test_a_number_of_an_id_is_what_duckdb_makes_of_it(logged: LoggedEvents) -> None:
    ids = ["", "abc", "é", "\U0001f600", "x" * 1000]
    query = "SELECT md5_number_lower(id) AS number FROM (SELECT unnest($ids::VARCHAR[]) AS id)"
    numbers = logged.log.query(query, {"ids": ids}).column("number").to_pylist()
    assert [id_number(event_id) for event_id in ids] == numbers


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "a", "b", "é", "é", "é", "中", "\U0001f600"]])
def test_rows_of_a_customer_stand_together_in_any_script(ids: list[str]) -> None:
    table = pa.table({"customer_id": pa.array(ids, pa.string()), "row": range(len(ids))})
    mapped = MappedTable(table)
    for wanted in {*ids, "", "0", "z", "\U0010ffff"}:
        rows = mapped.of_customer(wanted).column("row").to_pylist()
        assert rows == [row for row, one in enumerate(ids) if one == wanted]


def test_copies_are_made_once_and_go_with_what_they_copy(
    operator_workspace: Workspace, tmp_path: Path
) -> None:
    mapped = MappedTables(tmp_path)
    log = operator_workspace.log()
    mapped.prepare(log, lambda: True)
    copies = {path: path.stat().st_mtime_ns for path in (tmp_path / "histories").iterdir()}
    assert len(copies) == len(log.files("events"))
    MappedTables(tmp_path).prepare(log, lambda: True)
    assert {path: path.stat().st_mtime_ns for path in copies} == copies
    mapped.keep_only({log.batches[0].files[0].sha256})
    assert len(list((tmp_path / "histories").iterdir())) == 1


def test_a_new_manifest_is_followed_at_once(operator_workspace: Workspace, tmp_path: Path) -> None:
    state = tmp_path / "state"
    current = CurrentLog(state)
    assert current.now().log.n_events == 0
    state.mkdir(exist_ok=True)
    (state / "log").symlink_to(operator_workspace.state / "log")
    assert current.now().log.n_events == operator_workspace.log().n_events
    current.prepare(lambda: True)
    assert current.now() is current.now()


@pytest.mark.parametrize(
    "look",
    [
        lambda log, gone: log.events_of([gone]).num_rows == 0,
        lambda log, gone: log.known([gone]) == set(),
        lambda log, gone: log.span[0] < log.span[1],  # noqa: ARG005 -- as the others
    ],
    ids=["events", "ids", "span"],
)
def test_a_look_that_began_before_an_erasure_is_taken_again(
    operator_workspace: Workspace, tmp_path: Path, look: Callable[[LoggedEvents, str], bool]
) -> None:
    workspace = copy_of(operator_workspace, tmp_path / "copy")
    gone = workspace.log().read_customers().column("customer_id").to_pylist()[0]
    current = CurrentLog(workspace.state)
    views = [current.now()]
    with writing(workspace.state):
        erase_customers(workspace.folder, workspace.store, [gone], NOW, COMMAND_LINE)

    with pytest.raises((FileNotFoundError, duckdb.IOException)):
        look(LoggedEvents(views[0].log, MappedTables(tmp_path)), gone)
    assert despite_rewriting(lambda: look(views.pop() if views else current.now(), gone))


def test_the_copies_may_lie_in_a_folder_of_the_machine(
    operator_workspace: Workspace, tmp_path: Path
) -> None:
    workspace = copy_of(operator_workspace, tmp_path / "copy")
    here = tmp_path / "of-this-machine"
    here.mkdir()
    (workspace.state / "histories").symlink_to(here)
    (here / "stale.arrow").touch()

    CurrentLog(workspace.state).prepare(lambda: True)

    kept = {path.name for path in here.iterdir()}
    assert len(kept) == len(workspace.log().files("events")) + 1
    assert "stale.arrow" not in kept
