"""Which model version values the outcomes of a campaign: chosen once, kept from then on."""

from datetime import datetime

from sqlalchemy import insert, select

from features.instants import datetime_of, instant_of
from features.mistakes import Mistake, NotFoundError
from serving.store.database import LiveStore
from serving.store.promoting import list_promotions
from serving.store.serving_version import list_versions, load_version
from serving.store.tables import frozen_version
from training.bundle import Bundle
from training.bundle_files import cutoff_of


def frozen_bundle(store: LiveStore, campaign: str, began_at: int, now: datetime) -> Bundle | None:
    """Return the model version that a campaign is measured by, choosing it when first asked.

    It is the one that served at `began_at` (microseconds), the campaign's first assignment; where
    none did yet, or it had seen later events, the one that saw most, and nothing at or after it.
    None where every version was trained later: it would know what it is to judge.
    """
    version = _chosen(store, campaign)
    if version is not None:
        return load_version(store, version)
    served = _served_at(store, began_at)
    for candidate in [*served, *_newest_first(store)]:
        if cutoff_of(store.state / "models" / candidate) <= began_at:
            return load_version(store, _freeze(store, campaign, candidate, now))
    return None


def required_frozen_bundle(store: LiveStore, campaign: str, began_at: int, now: datetime) -> Bundle:
    """Return the model version of `frozen_bundle`.

    Raises
    ------
    NotFoundError
        If every version was trained after the campaign began.
    """
    bundle = frozen_bundle(store, campaign, began_at, now)
    if bundle is None:
        began = f"{datetime_of(began_at):%Y-%m-%d}"
        expected = f"train one that saw nothing of it: `keepworth train --as-of {began}`"
        mistake = Mistake("model", f"trained after {began}, all of them", expected)
        raise NotFoundError("no model version is older than the campaign", [mistake])
    return bundle


def _chosen(store: LiveStore, campaign: str) -> str | None:
    query = select(frozen_version.c.version).where(frozen_version.c.campaign == campaign)
    with store.reading() as connection:
        return connection.execute(query).scalar_one_or_none()


def _served_at(store: LiveStore, instant: int) -> list[str]:
    """Return the version that served at an instant, if any did."""
    done = [
        each.version
        for each in list_promotions(store)
        if instant_of(datetime.fromisoformat(each.at)) <= instant
    ]
    return done[-1:]


def _newest_first(store: LiveStore) -> list[str]:
    """Return all versions, who saw most first; of several that saw as much the latest first."""
    latest_first = [each.version for each in reversed(list_versions(store))]
    return sorted(latest_first, key=lambda each: -cutoff_of(store.state / "models" / each))


def _freeze(store: LiveStore, campaign: str, version: str, now: datetime) -> str:
    """Record the choice, unless somebody was faster; return the one that holds."""
    query = select(frozen_version.c.version).where(frozen_version.c.campaign == campaign)
    row = {"campaign": campaign, "version": version, "frozen_at": now.isoformat(timespec="seconds")}
    with store.writing() as connection:
        faster = connection.execute(query).scalar_one_or_none()
        if faster is None:
            connection.execute(insert(frozen_version).values(row))
    return faster or version
