"""What the retraining job decided, run by run; a promotion and its decision are one transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from serving.store.database import LiveStore
from serving.store.tables import retraining

OutcomeName = Literal["promoted", "refused", "not due", "data refused"]
DECIDED: tuple[OutcomeName, ...] = ("promoted", "refused")
"""Outcomes that the same data, configuration and code would come to again."""


@dataclass(frozen=True)
class Decision:
    """Hold what a run came to: `answer` is all that it rests on, without any customer.

    `run_key` identifies data, configuration and code; what follows a decision, as the alias, is
    still to be done unless `is_finished`.
    """

    token: int
    run_key: str
    at: str
    outcome: OutcomeName
    version: str | None
    version_before: str | None
    answer: Mapping[str, Any]
    is_finished: bool = False


def record_decision(connection: Connection, decision: Decision) -> None:
    """Record a decision in the transaction that carries it out."""
    columns = vars(decision) | {
        "answer": json.dumps(dict(decision.answer), allow_nan=False, default=str),
        "is_finished": int(decision.is_finished),
    }
    connection.execute(insert(retraining).values(columns))


def find_decided(store: LiveStore, run_key: str) -> Decision | None:
    """Return the newest promotion or refusal under a key."""
    wanted = (retraining.c.run_key == run_key) & retraining.c.outcome.in_(DECIDED)
    newest = select(retraining).where(wanted).order_by(retraining.c.token.desc()).limit(1)
    with store.reading() as connection:
        row = connection.execute(newest).one_or_none()
    return _decision(row) if row else None


def newest_decided(store: LiveStore) -> Decision | None:
    """Return the newest promotion or refusal under any key."""
    decided = retraining.c.outcome.in_(DECIDED)
    newest = select(retraining).where(decided).order_by(retraining.c.token.desc()).limit(1)
    with store.reading() as connection:
        row = connection.execute(newest).one_or_none()
    return _decision(row) if row else None


def list_decisions(store: LiveStore) -> list[Decision]:
    """Return all decisions in order."""
    with store.reading() as connection:
        rows = connection.execute(select(retraining).order_by(retraining.c.token))
        return [_decision(row) for row in rows]


def finish_decision(store: LiveStore, token: int) -> None:
    """Mark that all that follows a decision is done."""
    with store.writing() as connection:
        own = update(retraining).where(retraining.c.token == token)
        connection.execute(own.values(is_finished=1))


def _decision(row: Row[Any]) -> Decision:
    values = dict(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name
    answer, finished = json.loads(row.answer), bool(row.is_finished)
    return Decision(**(values | {"answer": answer, "is_finished": finished}))
