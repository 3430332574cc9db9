"""A PostgreSQL server of our own: durable as it comes, on a socket in its folder alone."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_STARTING_SECONDS = 30.0


def is_installed() -> bool:
    """Return whether there is a server to start."""
    return _program("initdb") is not None


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server with fsync on and an empty database; yield its URL, then remove both."""
    owner = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="keepworth-pg-"))
    if owner:
        shutil.chown(folder, owner)
    making = ["-D", str(folder / "data"), "-U", "keepworth", "-A", "trust", "-E", "UTF8"]
    running = ["-D", str(folder / "data"), "-c", "listen_addresses=", "-k", str(folder)]
    try:
        subprocess.run(  # noqa: S603 -- the program found, with our own arguments
            [str(_program("initdb")), *making],
            check=True,
            stdout=subprocess.DEVNULL,
            user=owner,
            cwd=folder,
        )
        with (folder / "server.log").open("wb") as said:
            process = subprocess.Popen(  # noqa: S603 -- as above
                [str(_program("postgres")), *running], stdout=said, stderr=said, user=owner
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


def _program(name: str) -> str | None:
    return shutil.which(name) or next(
        (str(folder / name) for folder in _FOLDERS if (folder / name).exists()), None
    )


def _await(folder: Path) -> None:
    deadline = time.monotonic() + _STARTING_SECONDS
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(f"host={folder} user=keepworth dbname=postgres").close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not answer: {(folder / 'server.log').read_text()[-1000:]}")
