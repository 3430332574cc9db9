"""The record: what was done of consequence, and who was told of which customers.

Customers are named by the salted digests of the log alone, so that the record may outlive them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from serving.store.database import LiveStore
from serving.store.tables import audit_entry, customer_read, promotion

COMMAND_LINE = "command line"
_SUBJECTS = {audit_entry: "subject", promotion: "version", customer_read: "subjects"}
"""The tables of the record, each with the column that says what an entry is about."""


@dataclass(frozen=True)
class Entry:
    """Say who did what, or was told of how many customers by which call, and when (ISO 8601)."""

    at: str
    actor: str
    what: str
    subjects: tuple[str, ...]
    customers: int | None = None
    request_id: str | None = None


def record_act(
    connection: Connection, now: datetime, action: str, subject: str, actor: str = COMMAND_LINE
) -> None:
    """Record an act in the transaction that does it."""
    entry = {"entry_id": secrets.token_hex(8), "at": now.isoformat(), "actor": actor}
    connection.execute(insert(audit_entry).values(entry | {"action": action, "subject": subject}))


def record_reads(store: LiveStore, reads: Sequence[Entry]) -> None:
    """Record what calls were told, all of them or, after an exception, none."""
    rows = [
        {
            "read_id": secrets.token_hex(8),
            "at": read.at,
            "actor": read.actor,
            "route": read.what,
            "request_id": read.request_id,
            "customers": read.customers,
            "subjects": " ".join(read.subjects),
        }
        for read in reads
    ]
    with store.writing() as connection:
        connection.execute(insert(customer_read), rows)


def find_entries(
    store: LiveStore,
    most: int,
    since: datetime | None = None,
    actor: str | None = None,
    subject: str | None = None,
) -> list[Entry]:
    """Return the newest entries: acts, what was let serve, and reads, the newest first."""
    found: list[Entry] = []
    with store.reading() as connection:
        for table, name in _SUBJECTS.items():
            query = select(table).order_by(table.c.at.desc()).limit(most)
            if subject is not None:
                query = query.where(table.c[name].contains(subject, autoescape=True))
            if actor is not None:
                query = query.where(table.c.actor == actor)
            if since is not None:
                query = query.where(table.c.at >= since.isoformat())
            found += [_entry(row._asdict()) for row in connection.execute(query)]
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:most]


def forget_reads(store: LiveStore, before: datetime, now: datetime) -> int:
    """Forget who was told what before an instant; return how many entries went. Acts stay."""
    with store.writing() as connection:
        old = delete(customer_read).where(customer_read.c.at < before.isoformat())
        gone = int(connection.execute(old).rowcount)
        record_act(connection, now, "forget reads", f"before {before.isoformat()}")
    return gone


def count_reads(store: LiveStore) -> int:
    """Count the reads on record."""
    with store.reading() as connection:
        query = select(func.count()).select_from(customer_read)
        return int(connection.execute(query).scalar_one())


def _entry(row: dict[str, str]) -> Entry:
    if "action" in row:
        subject = row.get("subject") or row["version"]
        return Entry(row["at"], row["actor"], row["action"], (subject,))
    subjects = tuple(row["subjects"].split())
    number, request_id = int(row["customers"]), row["request_id"]
    return Entry(row["at"], row["actor"], row["route"], subjects, number, request_id)
