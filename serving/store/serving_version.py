"""Which model versions are known, and which one serves: one row of the live store."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from features.mistakes import Mistake, NotFoundError
from serving.store.database import LiveStore
from serving.store.fencing import issue_token
from serving.store.promoting import Act, let_serve
from serving.store.tables import model_version, serving_version
from training.bundle import Bundle
from training.bundle_files import load_bundle


@dataclass(frozen=True)
class ModelVersion:
    """Name a version, the digest of its bundle, and when it was registered (ISO 8601, UTC)."""

    version: str
    digest: str
    registered_at: str


_SERVING = select(model_version).where(
    model_version.c.version == select(serving_version.c.version).scalar_subquery()
)


def add_version(store: LiveStore, version: ModelVersion, act: Act | None = None) -> None:
    """Record a version and let it serve, in one transaction; by default as trained by hand."""
    own = Act("train", datetime.fromisoformat(version.registered_at), "trained by hand")
    with store.writing() as connection:
        record_version(connection, version)
        let_serve(connection, version.version, act or own, issue_token(connection))


def record_version(connection: Connection, version: ModelVersion) -> None:
    """Record a version that does not serve yet; one that is known already is left as it is."""
    known = select(model_version.c.version).where(model_version.c.version == version.version)
    if connection.execute(known).first() is None:
        columns = {"version": version.version, "digest": version.digest}
        connection.execute(
            insert(model_version).values(columns | {"registered_at": version.registered_at})
        )


def find_version(store: LiveStore, name: str | None = None) -> ModelVersion:
    """Return a version by name, or the one that serves.

    Raises
    ------
    NotFoundError
        If there is none; the known ones are named.
    """
    wanted = _SERVING
    if name is not None:
        wanted = select(model_version).where(model_version.c.version == name)
    with store.reading() as connection:
        row = connection.execute(wanted).one_or_none()
    if row is None:
        raise _not_found(name, sorted(known_versions(store)))
    return ModelVersion(row.version, row.digest, row.registered_at)


def list_versions(store: LiveStore) -> list[ModelVersion]:
    """Return all versions that were ever registered here, the latest last."""
    in_order = select(model_version).order_by(model_version.c.registered_at)
    with store.reading() as connection:
        return [
            ModelVersion(row.version, row.digest, row.registered_at)
            for row in connection.execute(in_order)
        ]


def known_versions(store: LiveStore) -> frozenset[str]:
    """Return the names of all versions that were ever registered here."""
    return frozenset(version.version for version in list_versions(store))


def load_version(store: LiveStore, name: str | None = None) -> Bundle:
    """Load the bundle of a version, or of the one that serves, checked by its digest."""
    found = find_version(store, name)
    return load_bundle(store.state / "models" / found.version, found.digest, found.version)


def _not_found(wanted: str | None, known: list[str]) -> NotFoundError:
    if not known:
        mistake = Mistake("model", wanted or "none yet", "run `keepworth train` first")
        return NotFoundError("no model has been trained yet", [mistake])
    mistake = Mistake("model", repr(wanted), f"expected one of {', '.join(known)}")
    return NotFoundError("there is no such model version", [mistake])
