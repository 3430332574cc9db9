"""`keepworth keys`: who may call the service."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from serving.commands.answer import Answer
from serving.store.keys import Key, list_keys, make_key, revoke_key
from serving.workspace import open_workspace


def make(path: Path | None, name: str, scopes: list[str], calls_per_minute: int | None) -> Answer:
    """Make a key, and show its token this once."""
    store = open_workspace(path).store
    key, token = make_key(store, name, scopes, datetime.now(UTC), calls_per_minute)

    def show(console: Console) -> None:
        console.print(f"Key {key.key_id} for {name}: {', '.join(sorted(scopes))}.", style="bold")
        console.print("Send this as `Authorization: Bearer ...`; it is not kept, nor shown again:")
        console.print(token, soft_wrap=True)

    return Answer(_content(key) | {"token": token}, show)


def revoke(path: Path | None, key_id: str) -> Answer:
    """Revoke a key."""
    revoke_key(open_workspace(path).store, key_id, datetime.now(UTC))

    def show(console: Console) -> None:
        console.print(f"Key {key_id} is revoked; within a second it opens nothing any more.")

    return Answer({"key_id": key_id, "revoked": True}, show)


def listing(path: Path | None) -> Answer:
    """List all keys that were ever made."""
    keys = list_keys(open_workspace(path).store)

    def show(console: Console) -> None:
        table = Table("key", "name", "scopes", "calls a minute", "made", "revoked")
        for key in keys:
            limit = "" if key.calls_per_minute is None else f"{key.calls_per_minute:,}"
            scopes, made = ", ".join(sorted(key.scopes)), key.made_at[:16]
            table.add_row(key.key_id, key.name, scopes, limit, made, (key.revoked_at or "")[:16])
        console.print(table if keys else "There are no keys yet: `keepworth keys make`.")

    return Answer({"keys": [_content(key) for key in keys]}, show)


def _content(key: Key) -> dict[str, Any]:
    return asdict(key) | {"scopes": sorted(key.scopes)}
