"""Which model version serves: one row of `state/live.db`, changed in one transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from features.mistakes import Mistake, NotFoundError
from training.bundle import Bundle
from training.bundle_files import load_bundle

_CREATE = """
CREATE TABLE IF NOT EXISTS model_version (
    version TEXT PRIMARY KEY, digest TEXT NOT NULL, registered_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS serving_version (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    version TEXT NOT NULL REFERENCES model_version);
"""


@dataclass(frozen=True)
class ModelVersion:
    """Name a version, the digest of its bundle, and when it was registered (ISO 8601, UTC)."""

    version: str
    digest: str
    registered_at: str


def add_version(state: Path, version: ModelVersion) -> None:
    """Record a version and let it serve, in one transaction."""
    with _store(state) as store:
        store.execute(
            "INSERT INTO model_version VALUES (?, ?, ?)",
            (version.version, version.digest, version.registered_at),
        )
        store.execute(
            "INSERT INTO serving_version VALUES (1, ?) "
            "ON CONFLICT (only_row) DO UPDATE SET version = excluded.version",
            (version.version,),
        )


def find_version(state: Path, name: str | None = None) -> ModelVersion:
    """Return a version by name, or the one that serves.

    Raises
    ------
    NotFoundError
        If there is none; the known ones are named.
    """
    with _store(state) as store:
        serving = store.execute("SELECT version FROM serving_version").fetchone()
        wanted = name or (serving[0] if serving else None)
        row = store.execute(
            "SELECT version, digest, registered_at FROM model_version WHERE version = ?", (wanted,)
        ).fetchone()
        known = [found for (found,) in store.execute("SELECT version FROM model_version")]
    if row is None:
        raise _not_found(wanted, known)
    return ModelVersion(*row)


def known_versions(state: Path) -> frozenset[str]:
    """Return the names of all versions that were ever registered here."""
    with _store(state) as store:
        return frozenset(name for (name,) in store.execute("SELECT version FROM model_version"))


def load_version(state: Path, name: str | None = None) -> Bundle:
    """Load the bundle of a version, or of the one that serves, checked by its digest."""
    found = find_version(state, name)
    return load_bundle(state / "models" / found.version, found.digest, found.version)


def _not_found(wanted: str | None, known: list[str]) -> NotFoundError:
    if not known:
        mistake = Mistake("model", wanted or "none yet", "run `keepworth train` first")
        return NotFoundError("no model has been trained yet", [mistake])
    mistake = Mistake("model", repr(wanted), f"expected one of {', '.join(known)}")
    return NotFoundError("there is no such model version", [mistake])


@contextmanager
def _store(state: Path) -> Iterator[sqlite3.Connection]:
    state.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(state / "live.db", timeout=10)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_CREATE)
        with connection:
            yield connection
