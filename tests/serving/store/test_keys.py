"""Keys: only their digests are kept; on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from features.mistakes import ConfigurationError, NotFoundError
from serving.store.database import LiveStore
from serving.store.keys import find_key, has_keys, list_keys, make_key, revoke_key, take_calls
from serving.store.tables import metadata
from tests.serving.store.conftest import OpenStore

NOW = datetime(2025, 6, 15, tzinfo=UTC)


def test_a_key_is_found_by_its_token(store: LiveStore) -> None:
    key, token = make_key(store, "crm", ["score", "ingest"], NOW, 60)
    assert find_key(store, token) == key
    assert key.scopes == {"score", "ingest"}
    assert list_keys(store) == [key]


def test_no_other_token_finds_a_key(store: LiveStore) -> None:
    key, token = make_key(store, "crm", ["score"], NOW)
    _, other = make_key(store, "till", ["score"], NOW)
    secret = other.split("_", 2)[2]
    for wrong in ("", "-", "kw", token[:-1], f"{token}x", f"kw_{key.key_id}_{secret}", "a_b_c"):
        assert find_key(store, wrong) is None


def test_the_token_is_nowhere_in_the_store(store: LiveStore) -> None:
    _, token = make_key(store, "crm", ["score"], NOW)
    secret = token.split("_", 2)[2]
    with store.reading() as connection:
        rows = [
            row for table in metadata.tables.values() for row in connection.execute(select(table))
        ]
    assert rows
    assert all(secret not in str(row) for row in rows)


def test_a_revoked_key_is_found_no_more_and_stays_on_the_record(store: LiveStore) -> None:
    key, token = make_key(store, "crm", ["score"], NOW)
    revoke_key(store, key.key_id, NOW)
    revoke_key(store, key.key_id, datetime(2026, 1, 1, tzinfo=UTC))
    assert find_key(store, token) is None
    assert has_keys(store)
    assert [one.revoked_at for one in list_keys(store)] == [NOW.isoformat()]


def test_unknown_scopes_and_keys_are_named(store: LiveStore) -> None:
    with pytest.raises(ConfigurationError, match="scope is everything; expected some of score"):
        make_key(store, "crm", ["score", "everything"], NOW)
    with pytest.raises(ConfigurationError, match="scope is missing"):
        make_key(store, "crm", [], NOW)
    with pytest.raises(NotFoundError, match="'nobody'"):
        revoke_key(store, "nobody", NOW)
    assert not has_keys(store)


def test_making_and_revoking_are_on_the_record(store: LiveStore) -> None:
    key, _ = make_key(store, "crm", ["score"], NOW)
    revoke_key(store, key.key_id, NOW)
    with store.reading() as connection:
        entries = connection.execute(select(metadata.tables["audit_entry"])).all()
    assert {(entry.action, entry.subject) for entry in entries} == {
        ("make key", key.key_id),
        ("revoke key", key.key_id),
    }


def test_workers_share_the_calls_of_a_minute(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(3)]
    key, _ = make_key(stores[0], "crm", ["score"], NOW, 50)
    with ThreadPoolExecutor(6) as pool:
        granted = list(pool.map(lambda n: take_calls(stores[n % 3], key, 7, 4), range(20)))
    assert sum(granted) == 50
    assert take_calls(stores[0], key, 7, 4) == 0
    assert take_calls(stores[1], key, 8, 4) == 4


def test_clocks_that_differ_around_the_end_of_a_minute_grant_each_minute_once(
    store: LiveStore,
) -> None:
    key, _ = make_key(store, "crm", ["score"], NOW, 50)
    granted = [take_calls(store, key, minute, 50) for minute in (8, 7, 8, 7, 8, 9, 8, 9)]
    assert granted == [50, 50, 0, 0, 0, 50, 0, 0]


def test_a_key_without_limit_takes_what_it_wants(store: LiveStore) -> None:
    key, _ = make_key(store, "crm", ["score"], NOW)
    assert take_calls(store, key, 7, 1000) == 1000
