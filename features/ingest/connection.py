"""A DuckDB connection that can read the given files and write the workspace, nothing else."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from features.ingest.quoting import literal, literals

N_THREADS = 2


@contextmanager
def sandbox(
    state: Path, readable: Sequence[Path], memory_limit: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory database that spills under `state/tmp/ingest` and sees no other file.

    Beside `readable` it may use the folders `log`, `quarantine` and `tmp` of `state`: a SELECT
    of the configuration cannot read the live store, the system or the network.
    """
    spill = _spill_of(state)
    shutil.rmtree(spill, ignore_errors=True)
    spill.mkdir(parents=True)
    try:
        with duckdb.connect() as connection:
            _confine(connection, state, readable, memory_limit)
            yield connection
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _confine(
    connection: duckdb.DuckDBPyConnection,
    state: Path,
    readable: Sequence[Path],
    memory_limit: str,
) -> None:
    spill = _spill_of(state)
    folders = literals(str(state / name) for name in ("log", "quarantine", "tmp"))
    for setting in (
        "TimeZone = 'UTC'",
        f"memory_limit = {literal(memory_limit)}",
        f"threads = {N_THREADS}",
        f"temp_directory = {literal(str(spill))}",
        "enable_progress_bar = false",
        f"allowed_directories = [{folders}]",
        f"allowed_paths = [{literals(map(str, readable))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def _spill_of(state: Path) -> Path:
    return state / "tmp" / "ingest"
