"""Opening the live store, its schema, and taking turns; on SQLite and on PostgreSQL."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, update

from features.mistakes import ConfigurationError
from serving.store.database import LiveStore
from serving.store.serving_version import ModelVersion, add_version, find_version
from serving.store.tables import live_state, metadata
from tests.serving.store.conftest import OpenStore


def test_the_migrated_schema_is_what_statements_name(store: LiveStore) -> None:
    with store.reading() as connection:
        found = inspect(connection)
        for name, table in metadata.tables.items():
            assert {column["name"] for column in found.get_columns(name)} == set(table.c.keys())


def test_opening_again_changes_nothing(open_store: OpenStore) -> None:
    add_version(open_store(), ModelVersion("1", "abc", "2026-01-01T00:00:00Z"))
    assert find_version(open_store()).digest == "abc"


def test_several_may_open_an_empty_store_at_once(open_store: OpenStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: open_store(), range(8)))
    add_version(stores[0], ModelVersion("1", "abc", "2026-01-01T00:00:00Z"))
    assert all(find_version(store).version == "1" for store in stores)


def test_a_store_of_the_first_release_keeps_what_serves(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "live.db") as old:
        old.executescript(
            "CREATE TABLE model_version (version TEXT PRIMARY KEY, digest TEXT NOT NULL, "
            "registered_at TEXT NOT NULL); CREATE TABLE serving_version (only_row INTEGER "
            "PRIMARY KEY CHECK (only_row = 1), version TEXT NOT NULL REFERENCES model_version);"
            "INSERT INTO model_version VALUES ('3', 'abc', '2026-01-01T00:00:00Z');"
            "INSERT INTO serving_version VALUES (1, '3');"
        )
    assert find_version(LiveStore(tmp_path)).version == "3"


def test_a_store_of_a_newer_keepworth_is_refused(open_store: OpenStore) -> None:
    with open_store().writing() as connection:
        connection.exec_driver_sql("INSERT INTO schema_step VALUES (1000)")
    with pytest.raises(ConfigurationError, match="at step 1000"):
        open_store()


def test_writers_take_turns_and_lose_no_update(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(4)]

    def count(number: int) -> None:
        with stores[number % 4].writing() as connection:
            before = connection.execute(select(live_state.c.latest_instant)).scalar_one()
            connection.execute(update(live_state).values(latest_instant=before + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(100)))
    with stores[0].reading() as connection:
        assert connection.execute(select(live_state.c.latest_instant)).scalar_one() == 100


def test_a_writer_that_fails_leaves_nothing_and_holds_nobody_up(store: LiveStore) -> None:
    def fail() -> None:
        with store.writing() as connection:
            connection.execute(update(live_state).values(latest_instant=7))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.writing() as connection:
        assert connection.execute(select(live_state.c.latest_instant)).scalar_one() == 0


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "::", "sqlite:///other.db"])
def test_a_url_of_another_database_is_refused_without_its_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(ConfigurationError, match="expected postgresql://") as refused:
        LiveStore(tmp_path, url)
    assert "secret" not in str(refused.value)
