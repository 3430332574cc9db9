"""The record of what was done of consequence: who did it, to what, and when."""

import secrets
from datetime import datetime

from sqlalchemy import Connection, insert

from serving.store.tables import audit_entry

COMMAND_LINE = "command line"


def record_act(
    connection: Connection, now: datetime, action: str, subject: str, actor: str = COMMAND_LINE
) -> None:
    """Record an act in the transaction that does it."""
    entry = {"entry_id": secrets.token_hex(8), "at": now.isoformat(), "actor": actor}
    connection.execute(insert(audit_entry).values(entry | {"action": action, "subject": subject}))
