"""`keepworth keys`, and serving beyond loopback."""

import socket
from pathlib import Path

import pytest

from serving.store.keys import find_key
from serving.workspace import open_workspace
from tests.serving.commands.small_workspace import write_small_workspace
from tests.serving.commands.terminal import done, keepworth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_small_workspace(tmp_path / "shop")


def test_a_key_is_made_listed_and_revoked(folder: Path) -> None:
    made = done(
        "keys", "make", "--name", "crm", "--scope", "score", "--scope", "ingest", "-C", folder
    )
    found = find_key(open_workspace(folder).store, made["token"])
    assert found is not None
    assert found.key_id == made["key_id"]
    listed = keepworth("keys", "list", "-C", folder)
    assert made["key_id"] in listed.out
    assert made["token"] not in listed.out
    done("keys", "revoke", made["key_id"], "-C", folder)
    [key] = done("keys", "list", "-C", folder)["keys"]
    assert key["revoked_at"]


def test_brackets_in_what_users_wrote_are_printed_as_they_are(folder: Path) -> None:
    made = keepworth("keys", "make", "--name", "[/crm] [bold]", "--scope", "score", "-C", folder)
    assert made.code == 0
    assert "kw_" in made.out
    assert "[/crm] [bold]" in keepworth("keys", "list", "-C", folder).out


def test_mistakes_are_told(folder: Path) -> None:
    told = keepworth("keys", "make", "--name", "crm", "--scope", "all", "-C", folder)
    assert told.code == 2
    assert "scope is all; expected some of score, ingest, campaigns, admin" in told.err
    assert keepworth("keys", "revoke", "nobody", "-C", folder).code == 4
    assert "no keys yet" in keepworth("keys", "list", "-C", folder).out


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])  # noqa: S104 -- to be refused
def test_serving_beyond_loopback_wants_a_key(folder: Path, host: str) -> None:
    told = keepworth("serve", "--host", host, "-C", folder)
    assert told.code == 2
    assert "keepworth keys make" in told.err


def test_with_a_key_it_is_the_model_that_is_missing(folder: Path) -> None:
    done("keys", "make", "--name", "crm", "--scope", "score", "-C", folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = keepworth("serve", "--host", "0.0.0.0", "--port", port, "-C", folder)  # noqa: S104
    assert told.code == 4
    assert "keepworth train" in told.err
    assert keepworth("serve", "--host", "db.example", "-C", folder).code == 2
