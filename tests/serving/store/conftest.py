"""A live store on each database; PostgreSQL is a server of our own, stopped at the end."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from serving.store.database import LiveStore

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
OpenStore = Callable[[], LiveStore]


def _program(name: str) -> str | None:
    return shutil.which(name) or next(
        (str(folder / name) for folder in _FOLDERS if (folder / name).exists()), None
    )


def _owner() -> str | None:
    """Return who runs the server: it refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a server that listens on a socket in its folder alone."""
    initdb, server = _program("initdb"), _program("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed: initdb and postgres were not found")
    # Not below pytest's folder, which its owner could not enter.
    folder = Path(tempfile.mkdtemp(prefix="kw-pg-"))
    if _owner():
        shutil.chown(folder, _owner())
    as_owner = {"user": _owner(), "cwd": folder}
    data = folder / "data"
    try:
        subprocess.run(
            [initdb, "-D", data, "-U", "keepworth", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            **as_owner,
        )
        options = ["-c", "listen_addresses=", "-c", "fsync=off", "-k", str(folder)]
        process = subprocess.Popen(
            [server, "-D", data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_owner,
        )
        try:
            _await(folder)
            yield f"postgresql://keepworth@/postgres?host={folder}"
        finally:
            # The fast shutdown: it does not wait for whoever is connected.
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await(folder: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(f"host={folder} user=keepworth dbname=postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def empty_postgres_url(postgres_url: str) -> str:
    """Return the URL of a database of its own on the server."""
    database = f"kw{os.urandom(6).hex()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
    return postgres_url.replace("/postgres?", f"/{database}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Return a function that opens the same, at first empty, store again and again."""
    is_embedded = request.param == "sqlite"
    url = None if is_embedded else request.getfixturevalue("empty_postgres_url")
    opened: list[LiveStore] = []

    def open_again() -> LiveStore:
        opened.append(LiveStore(tmp_path / "state", url))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> LiveStore:
    return open_store()
