"""Changing what serves, in one transaction with its record: who, when, why, from what to what.

A version that was let serve is put on a pile; a rollback takes the topmost off, so that two in a
row go back by two.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select

from features.mistakes import Mistake, NotFoundError
from serving.store.audit import COMMAND_LINE
from serving.store.database import LiveStore
from serving.store.fencing import StaleTokenError, issue_token, require_newest
from serving.store.tables import promotion, serving_version

Action = Literal["train", "retrain", "promote", "rollback"]


@dataclass(frozen=True)
class Act:
    """Say by what a version is let serve, when, why and by whom.

    `facts` are what it was trained on and how it did, as JSON may hold it.
    """

    action: Action
    at: datetime
    reason: str
    actor: str = COMMAND_LINE
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Promotion:
    """Record that a version was let serve in place of another, or as the first."""

    token: int
    at: str
    actor: str
    action: Action
    version: str
    version_before: str | None
    reason: str
    facts: Mapping[str, Any]


def let_serve(connection: Connection, version: str, act: Act, token: int) -> Promotion:
    """Let a recorded version serve, and record that it does; the caller's transaction holds both.

    Raises
    ------
    StaleTokenError
        If a newer token was issued.
    """
    require_newest(connection, token)
    before = connection.execute(select(serving_version.c.version)).scalar_one_or_none()
    done = Promotion(
        token, act.at.isoformat(), act.actor, act.action, version, before, act.reason, act.facts
    )
    facts = json.dumps(dict(act.facts), allow_nan=False)
    connection.execute(insert(promotion).values(vars(done) | {"facts": facts}))
    connection.execute(delete(serving_version))
    connection.execute(insert(serving_version).values(only_row=1, version=version))
    return done


def promote_version(store: LiveStore, version: str, act: Act) -> Promotion | None:
    """Let a version serve that is known to be sound; None where it serves already."""
    with store.writing() as connection:
        serving = connection.execute(select(serving_version.c.version)).scalar_one_or_none()
        if serving == version:
            return None
        return let_serve(connection, version, act, issue_token(connection))


def roll_back(store: LiveStore, expected: str, act: Act) -> Promotion:
    """Let the version serve that did before, and that is known to be sound.

    Raises
    ------
    StaleTokenError
        If what served before is not the expected one any more.
    """
    with store.writing() as connection:
        below = version_below(_read(connection))
        if below != expected:
            raise StaleTokenError(
                f"What serves was changed meanwhile: version {below} is below it now, not "
                f"{expected}. Nothing was changed; look at `keepworth promote --list`."
            )
        return let_serve(connection, expected, act, issue_token(connection))


def list_promotions(store: LiveStore) -> list[Promotion]:
    """Return every change of what serves, in order."""
    with store.reading() as connection:
        return _read(connection)


def version_below(changes: Sequence[Promotion]) -> str:
    """Return the version that a rollback leads to.

    Raises
    ------
    NotFoundError
        If none served before.
    """
    pile = pile_of(changes)
    if len(pile) < 2:
        serving = f"version {pile[0]}, the first" if pile else "nothing yet"
        expected = "expected one that served before; `keepworth promote VERSION` takes any"
        raise NotFoundError(
            "there is no version to go back to", [Mistake("serving", serving, expected)]
        )
    return pile[-2]


def pile_of(changes: Sequence[Promotion]) -> list[str]:
    """Return what was let serve and not taken back since, what serves now last."""
    pile: list[str] = []
    for change in changes:
        if change.action == "rollback":
            pile.pop()
        else:
            pile.append(change.version)
    return pile


def _read(connection: Connection) -> list[Promotion]:
    rows = connection.execute(select(promotion).order_by(promotion.c.token))
    return [_promotion(row) for row in rows]


def _promotion(row: Row[Any]) -> Promotion:
    return Promotion(**(dict(row._mapping) | {"facts": json.loads(row.facts)}))  # noqa: SLF001 -- SQLAlchemy's public name
