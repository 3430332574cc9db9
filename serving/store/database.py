"""The live store as a database: SQLite in the workspace, or PostgreSQL by URL, one code path.

Every statement elsewhere is SQLAlchemy Core that both understand; how a writer takes its turn is
the one thing in which they differ, and it stands here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from features.mistakes import ConfigurationError, Mistake
from serving.store.migrations import migrate

STORE_URL_VARIABLE = "KEEPWORTH_STORE_URL"
STORE_AWAY_ERRORS = (OperationalError, InterfaceError, PoolTimeoutError)
"""What is raised where the database does not answer; others say that it was asked amiss."""
WAITING_SECONDS = 10
"""How long a writer waits for its turn before it fails."""

_TURN = 0x6B656570
"""The advisory lock that writers on PostgreSQL take in turn; the letters "keep"."""
_BEGINNING = {
    "sqlite": ("BEGIN IMMEDIATE",),
    "postgresql": ("BEGIN", f"SELECT pg_advisory_xact_lock({_TURN})"),
}
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON")
_POSTGRES_OPTIONS = (
    f"-c synchronous_commit=on -c lock_timeout={WAITING_SECONDS}s -c statement_timeout=60s "
    "-c timezone=UTC"
)


class LiveStore:
    """Open connections to the live store of a workspace, its schema up to date.

    `state` is the workspace's folder of that name: models and what is derived from the log lie
    there, whichever database holds the rest.
    """

    def __init__(self, state: Path, url: str | None = None) -> None:
        """Open the store at a URL, by default `live.db` below `state`, and migrate it.

        Raises
        ------
        ConfigurationError
            If the URL is of no database that is known here or that answers, or the store is of a
            newer keepworth.
        """
        self.state = state
        state.mkdir(parents=True, exist_ok=True)
        address = _checked(url) if url else _embedded(state)
        self._engine = _engine(address)
        try:
            self._migrate()
        except OperationalError as error:
            raise _away(address, error) from error

    @property
    def backend(self) -> str:
        """The name of the database: sqlite or postgresql."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection on which each statement sees what was committed before it."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that no other writer's overlaps.

        Leaving it makes what was written durable, all of it or, after an exception, nothing.
        """
        with self._engine.connect() as connection:
            for statement in _BEGINNING[self.backend]:
                connection.exec_driver_sql(statement)
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def _migrate(self) -> None:
        with self.reading() as connection:
            is_outdated = migrate(connection, dry=True)
        if is_outdated:
            with self.writing() as connection:
                migrate(connection)

    def vacuum(self) -> bool:
        """Let nothing that was deleted be read from the database's files; return whether it is so.

        SQLite overwrites what it deletes (`secure_delete`) once its journal is written back, which
        a reader may hold up; PostgreSQL's pages are free for the next writing.
        """
        with self.reading() as connection:
            try:
                if self.backend == "sqlite":
                    row = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                    return not row[0]
                # Large tables take longer than a statement of a call may.
                connection.exec_driver_sql("SET statement_timeout = 0")
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("RESET statement_timeout")
            except OperationalError:
                connection.invalidate()
                return False
        return True

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _engine(url: URL) -> Engine:
    arguments: dict[str, Any] = (
        {"timeout": WAITING_SECONDS}
        if url.get_backend_name() == "sqlite"
        else {"options": _POSTGRES_OPTIONS, "connect_timeout": WAITING_SECONDS}
    )
    engine = create_engine(
        url,
        # Transactions are begun and ended by `writing` alone.
        isolation_level="AUTOCOMMIT",
        connect_args=arguments,
        # Messages of errors go to the log, and parameters name customers.
        hide_parameters=True,
        pool_pre_ping=url.get_backend_name() != "sqlite",
    )
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, record: object) -> None:  # noqa: ARG001 -- a listener
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _embedded(state: Path) -> URL:
    return URL.create("sqlite", database=str(state / "live.db"))


def _checked(url: str) -> URL:
    """Return a URL with its driver; messages never show its password."""
    try:
        given = make_url(url)
    except ArgumentError as error:
        raise _unfit("no URL") from error
    if given.get_backend_name() != "postgresql":
        raise _unfit(given.render_as_string(hide_password=True))
    return given.set(drivername="postgresql+psycopg")


def _away(address: URL, error: OperationalError) -> ConfigurationError:
    said = str(error.orig).partition("\n")[0]
    shown = f"{address.render_as_string(hide_password=True)}, which does not answer ({said})"
    expected = "expected a database that can be reached, read and written"
    mistake = Mistake(STORE_URL_VARIABLE, shown, expected)
    return ConfigurationError("the live store cannot be opened", [mistake])


def _unfit(shown: str) -> ConfigurationError:
    expected = "expected postgresql://user:password@host/database, or unset it for SQLite"
    mistake = Mistake(STORE_URL_VARIABLE, shown, expected)
    return ConfigurationError("the live store cannot be opened", [mistake])
