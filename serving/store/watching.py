"""What the newest monitoring found, for every worker of the service to tell."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from serving.store.database import LiveStore
from serving.store.tables import watched


def record_findings(store: LiveStore, now: datetime, findings: Mapping[str, Any]) -> None:
    """Let findings take the place of earlier ones; they name no customer."""
    text = json.dumps(dict(findings), allow_nan=False, default=str)
    with store.writing() as connection:
        connection.execute(delete(watched))
        connection.execute(insert(watched).values(only_row=1, at=now.isoformat(), findings=text))


def find_findings(store: LiveStore) -> dict[str, Any] | None:
    """Return the newest findings; None before the first."""
    with store.reading() as connection:
        text = connection.execute(select(watched.c.findings)).scalar_one_or_none()
    return None if text is None else dict(json.loads(text))
