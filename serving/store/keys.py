"""API keys: kept as digests, with scopes and a limit of calls; made and revoked on the record."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, insert, select, update

from features.mistakes import ConfigurationError, Mistake, NotFoundError
from serving.store.audit import record_act
from serving.store.database import LiveStore
from serving.store.tables import api_key, key_use

SCOPES = ("score", "ingest", "campaigns", "admin")
_PREFIX = "kw"
_TOKEN = re.compile(rf"{_PREFIX}_(?P<key_id>[0-9a-f]{{12}})_[\w-]{{43}}", re.ASCII)


@dataclass(frozen=True)
class Key:
    """Hold what is known of a key; the secret itself is known to its bearer alone."""

    key_id: str
    name: str
    scopes: frozenset[str]
    calls_per_minute: int | None
    made_at: str
    revoked_at: str | None


def make_key(
    store: LiveStore,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    calls_per_minute: int | None = None,
) -> tuple[Key, str]:
    """Make a key; return it with the token to send, which cannot be had again.

    Raises
    ------
    ConfigurationError
        If a scope is unknown, or none is given.
    """
    _require_scopes(scopes)
    key = Key(
        secrets.token_hex(6), name, frozenset(scopes), calls_per_minute, now.isoformat(), None
    )
    token = f"{_PREFIX}_{key.key_id}_{secrets.token_urlsafe(32)}"
    row = {
        "key_id": key.key_id,
        "name": name,
        "digest": _digest(token),
        "scopes": " ".join(sorted(key.scopes)),
        "calls_per_minute": calls_per_minute,
        "made_at": key.made_at,
    }
    with store.writing() as connection:
        connection.execute(insert(api_key).values(row))
        record_act(connection, now, "make key", key.key_id)
    return key, token


def revoke_key(store: LiveStore, key_id: str, now: datetime) -> None:
    """Let a key open nothing from now on; one that was revoked before stays so.

    Raises
    ------
    NotFoundError
        If there is no such key.
    """
    change = update(api_key).where(api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None))
    with store.writing() as connection:
        if not connection.execute(select(api_key).where(api_key.c.key_id == key_id)).first():
            expected = "expected one that `keepworth keys list` shows"
            mistake = Mistake("key", repr(key_id), expected)
            raise NotFoundError("there is no such key", [mistake])
        connection.execute(change.values(revoked_at=now.isoformat()))
        record_act(connection, now, "revoke key", key_id)


def list_keys(store: LiveStore) -> list[Key]:
    """Return all keys that were ever made, in that order."""
    with store.reading() as connection:
        rows = connection.execute(select(api_key).order_by(api_key.c.made_at, api_key.c.key_id))
        return [_key_of(row) for row in rows]


def has_keys(store: LiveStore) -> bool:
    """Return whether a key was ever made, be it revoked by now."""
    with store.reading() as connection:
        return bool(connection.execute(select(func.count()).select_from(api_key)).scalar_one())


def is_token(text: str) -> bool:
    """Return whether a text has the form of a token, be there such a key or not."""
    return _TOKEN.fullmatch(text) is not None


def find_key(store: LiveStore, token: str) -> Key | None:
    """Return the key that a token is of, None if it is of none, or of one that was revoked."""
    said = _TOKEN.fullmatch(token)
    if said is None:
        return None
    its_row = select(api_key).where(api_key.c.key_id == said["key_id"])
    with store.reading() as connection:
        row = connection.execute(its_row).one_or_none()
    if row is None or row.revoked_at or not hmac.compare_digest(row.digest, _digest(token)):
        return None
    return _key_of(row)


def take_calls(store: LiveStore, key: Key, minute: int, wanted: int) -> int:
    """Take up to so many of the calls that a key may make in a minute; return how many.

    `minute` counts from the epoch. What earlier minutes left is forgotten, but for the last one:
    clocks of workers differ a little.
    """
    if key.calls_per_minute is None:
        return wanted
    past = (key_use.c.key_id == key.key_id) & (key_use.c.minute < minute - 1)
    same = (key_use.c.key_id == key.key_id) & (key_use.c.minute == minute)
    with store.writing() as connection:
        taken = connection.execute(select(key_use.c.taken).where(same)).scalar_one_or_none()
        granted = min(wanted, key.calls_per_minute - (taken or 0))
        if taken is None:
            connection.execute(key_use.delete().where(past))
            row = {"key_id": key.key_id, "minute": minute, "taken": granted}
            connection.execute(insert(key_use).values(row))
        elif granted:
            connection.execute(update(key_use).where(same).values(taken=taken + granted))
    return granted


def _require_scopes(scopes: Sequence[str]) -> None:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        shown = ", ".join(unknown) or "missing"
        mistake = Mistake("scope", shown, f"expected some of {', '.join(SCOPES)}")
        raise ConfigurationError("the key cannot be made", [mistake])


def _key_of(row: Row[tuple[str, ...]]) -> Key:
    scopes = frozenset(row.scopes.split())
    return Key(row.key_id, row.name, scopes, row.calls_per_minute, row.made_at, row.revoked_at)


def _digest(token: str) -> str:
    """Digest a token; it holds 256 random bits, so that a slow hash would protect nothing more."""
    return hashlib.sha256(token.encode()).hexdigest()
