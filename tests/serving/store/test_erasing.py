"""Erasure reaches what was posted and every output of a workspace."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jinja2 import Environment
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from features.ingest.lock import writing
from serving.store.audit import COMMAND_LINE
from serving.store.database import LiveStore
from serving.store.draining import drain
from serving.store.erasing import Receipt, erase_customers
from serving.store.live_events import live_history
from serving.store.logged_events import CurrentLog
from serving.store.recording import record_events
from serving.store.tables import audit_entry, drained_event, unfinished_erasure
from tests.serving.store.posted import SmallLog, event

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def erased(store: LiveStore, *customer_ids: str) -> Receipt:
    with writing(store.state):
        return erase_customers(store.state.parent, store, customer_ids, NOW, COMMAND_LINE)


def newcomer(number: int, customer_id: str) -> object:
    return event(number, "bob", kind="referral_joined", amount=None, label=customer_id)


def test_what_was_posted_goes_drained_or_not(store: LiveStore) -> None:
    posted = [event(1, "ann"), event(2, "bob"), newcomer(3, "ann")]
    record_events(store, posted, SmallLog())
    drain(store, NOW)
    record_events(store, [event(4, "ann"), event(5, "bob"), newcomer(6, "ann")], SmallLog())

    receipt = erased(store, "ann")

    assert (receipt.events, receipt.posted_events, receipt.mentions) == (1, 2, 1)
    assert live_history(store, ["ann"]).events.num_rows == 0
    named = live_history(store, ["bob"]).events.to_pylist()
    assert {row["label"] for row in named} == {None, "erased"}
    with store.reading() as connection:
        drained = set(connection.execute(select(drained_event.c.event_id)).scalars())
    assert drained == {"e2", "e3"}
    drain(store, NOW)
    assert CurrentLog(store.state).now().events_of(["ann"]).num_rows == 0
    assert CurrentLog(store.state).now().events_of(["bob"]).num_rows == 4


def test_what_is_posted_of_an_erased_customer_is_not_taken(store: LiveStore) -> None:
    log = CurrentLog(store.state)
    record_events(store, [event(1, "ann"), newcomer(2, "ann")], log)
    erased(store, "ann")

    posted = [event(1, "ann"), event(7, "ann"), newcomer(2, "ann"), newcomer(8, "ann")]
    outcomes = record_events(store, posted, log)

    assert outcomes == ["erased", "erased", "duplicate", "accepted"]
    assert live_history(store, ["ann"]).events.num_rows == 0
    labels = live_history(store, ["bob"]).events.column("label").to_pylist()
    assert labels == ["erased", "erased"]


def test_the_act_is_on_record_by_a_digest(store: LiveStore) -> None:
    record_events(store, [event(1, "ann")], SmallLog())
    receipt = erased(store, "ann")

    with store.reading() as connection:
        [entry] = connection.execute(select(audit_entry)).all()
    assert (entry.action, entry.actor) == ("erase customer", COMMAND_LINE)
    assert (entry.subject,) == receipt.subjects
    assert "ann" not in str(entry)


def test_an_erasure_killed_after_the_log_is_ended_by_the_next_of_whomever(
    store: LiveStore,
) -> None:
    record_events(store, [event(1, "ann"), event(2, "bob"), event(3, "eve")], SmallLog())
    drain(store, NOW)
    drain(store, NOW)
    record_events(store, [event(4, "ann")], SmallLog())
    for asked, name in (("ann", "eve"), ("bob", "bob")):
        with interrupted(store):
            erased(store, asked)
        receipt = erased(store, name)
        # Of whoever was asked for again, what the killed one took counts.
        assert (receipt.events, len(receipt.subjects)) == (1, 1)

    with store.reading() as connection:
        assert connection.execute(select(drained_event)).all() == []
        assert connection.execute(select(unfinished_erasure)).all() == []
        acts = connection.execute(select(audit_entry)).all()
    assert live_history(store, ["ann"]).events.num_rows == 0
    assert len({entry.subject for entry in acts}) == 3
    assert erased(store, "bob").events == 0


@contextmanager
def interrupted(store: LiveStore) -> Iterator[None]:
    """Let an erasure end where the log is written and the store is not."""
    rename = "ALTER TABLE {} RENAME TO {}"
    with store.writing() as connection:
        connection.exec_driver_sql(rename.format("live_event", "aside"))
    with pytest.raises(SQLAlchemyError):
        yield
    with store.writing() as connection:
        connection.exec_driver_sql(rename.format("aside", "live_event"))


def test_a_receipt_says_where_a_reader_kept_the_files_from_being_overwritten(
    tmp_path: Path,
) -> None:
    store = LiveStore(tmp_path / "state")
    record_events(store, [event(1, "somebody-rare")], SmallLog())
    with closing(sqlite3.connect(tmp_path / "state" / "live.db")) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT * FROM live_event").fetchall()
        assert not erased(store, "somebody-rare").is_store_swept
    assert b"somebody-rare" in stored(tmp_path)
    drain(store, NOW)
    assert b"somebody-rare" not in stored(tmp_path)


def stored(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (folder / "state").glob("live.db*"))


@pytest.mark.parametrize("customer_id", ["ann", "O'Brien & Co", "A<1>", 'the "one"', "Müller"])
def test_a_page_that_names_the_customer_is_found_as_it_is_rendered(
    tmp_path: Path, customer_id: str
) -> None:
    page = tmp_path / "reports" / "2024-01-01" / "report.html"
    page.parent.mkdir(parents=True)
    template = Environment(autoescape=True).from_string("<td>{{ name }}</td>")
    page.write_text(template.render(name=customer_id), "utf-8")

    assert erased(LiveStore(tmp_path / "state"), "somebody").removed_files == ()
    receipt = erased(LiveStore(tmp_path / "state"), customer_id)

    assert receipt.removed_files == ("reports/2024-01-01/report.html",)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Return a workspace's folder with outputs that name ann and bob."""
    ids = pa.table({"customer_id": ["ann", "bob", 'o"ann'], "survival": [[0.5], [0.25], [1.0]]})
    for place in ("scores/2024-01-01/scores", "backtests/2024/predictions"):
        path = tmp_path / f"{place}.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(ids, path)
    lines = ['"customer_id","reasons"', '"ann","[""left\nus""]"', '"bob","ann?"', '"o""ann","x"']
    (tmp_path / "scores/2024-01-01/scores.csv").write_text("\n".join(lines) + "\n")
    for as_of, name in (("2024-01-01", "ann"), ("2024-02-01", "anna-ann")):
        report = tmp_path / "reports" / as_of / "report.html"
        report.parent.mkdir(parents=True)
        report.write_text(f"<td>{name}</td>")
        snapshot = tmp_path / "state" / "snapshots" / as_of
        snapshot.mkdir(parents=True)
        pq.write_table(pa.table({"customer_id": [name]}), snapshot / "features-00000.parquet")
    return tmp_path


def test_outputs_lose_the_rows_and_pages_and_snapshots_that_name_the_customer(
    outputs: Path,
) -> None:
    receipt = erased(LiveStore(outputs / "state"), "ann")

    assert receipt.output_rows == 2
    assert receipt.removed_files == ("reports/2024-01-01/report.html", "state/snapshots/2024-01-01")
    for place in ("scores/2024-01-01/scores", "backtests/2024/predictions"):
        table = pq.read_table(outputs / f"{place}.parquet")
        assert table.to_pydict() == {"customer_id": ["bob", 'o"ann'], "survival": [[0.25], [1.0]]}
    text = (outputs / "scores/2024-01-01/scores.csv").read_text()
    assert text == '"customer_id","reasons"\n"bob","ann?"\n"o""ann","x"\n'
    assert (outputs / "reports/2024-02-01/report.html").exists()
    assert (outputs / "state/snapshots/2024-02-01").exists()


def test_a_second_erasure_ends_what_a_killed_one_began(outputs: Path) -> None:
    scores = outputs / "scores" / "2024-01-01" / "scores.parquet"
    whole = scores.read_bytes()
    erased(LiveStore(outputs / "state"), "ann")
    scores.write_bytes(whole)

    assert erased(LiveStore(outputs / "state"), "ann").output_rows == 1
    assert erased(LiveStore(outputs / "state"), "ann").output_rows == 0
