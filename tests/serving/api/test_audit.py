"""Whoever is told of a customer is on record: who, by which call, of whom; and nobody by name."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete

from serving.store.audit import Entry, find_entries
from serving.store.keys import make_key
from serving.store.tables import customer_read
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, Row, calling, copy_of, one_customer
from tests.serving.commands.terminal import done, keepworth

NOW = datetime(2025, 6, 15, tzinfo=UTC)
Asked = dict[str, str]


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    copy = copy_of(operator_workspace, tmp_path_factory.mktemp("audited") / "copy")
    # Others have asked about the operator's customers before.
    with copy.store.writing() as connection:
        connection.execute(delete(customer_read))
    return copy


@pytest.fixture(scope="module")
def key(workspace: Workspace) -> tuple[str, str]:
    made, token = make_key(workspace.store, "crm", ["score", "admin"], NOW)
    return made.key_id, token


@pytest.fixture(scope="module")
def asked(workspace: Workspace, key: tuple[str, str], active_ids: list[str]) -> Asked:
    """Ask about customers in every way, stop, and return what each call was named."""
    first, second = active_ids[:2]
    calls: list[tuple[str, str, str, Row | None]] = [
        ("by-id", "POST", "/v1/score", {"customer_ids": [first, second]}),
        ("inline", "POST", "/v1/score", one_customer()),
        ("what-if", "POST", "/v1/what-if", {"customer_id": first, "events": [{"kind": "support"}]}),
        ("one", "GET", f"/v1/customers/{first}", None),
        ("unknown", "GET", "/v1/customers/nobody", None),
        ("model", "GET", "/v1/model", None),
        ("erase", "DELETE", f"/v1/customers/{active_ids[9]}", None),
    ]
    with calling(workspace) as caller:
        for name, method, path, body in calls:
            headers = {"authorization": f"Bearer {key[1]}", "x-request-id": name}
            answer = caller.request(method, path, headers=headers, json=body)
            assert answer.headers["x-request-id"] == name
            assert answer.status_code == (404 if name == "unknown" else 200)
    return {"first": first, "second": second, "erased": active_ids[9]}


@pytest.fixture(scope="module")
def entries(workspace: Workspace, asked: Asked) -> dict[str, Entry]:
    found = find_entries(workspace.store, 100)
    return {entry.request_id: entry for entry in found if entry.request_id}


def test_every_answer_about_customers_is_on_record_and_no_other(entries: dict[str, Entry]) -> None:
    assert set(entries) == {"by-id", "inline", "what-if", "one"}


def test_an_entry_says_who_was_told_of_whom_by_which_call(
    entries: dict[str, Entry], workspace: Workspace, asked: Asked, key: tuple[str, str]
) -> None:
    digest = workspace.log().erased.digest_of
    assert entries["by-id"].subjects == (digest(asked["first"]), digest(asked["second"]))
    assert entries["one"].subjects == entries["what-if"].subjects == (digest(asked["first"]),)
    assert {entry.actor for entry in entries.values()} == {key[0]}
    assert entries["one"].what == "GET /v1/customers/{customer_id}"
    assert [entries[name].customers for name in ("by-id", "inline", "one")] == [2, 1, 1]


def test_the_record_names_nobody(workspace: Workspace, asked: Asked, entries) -> None:
    kept = b"".join(file.read_bytes() for file in workspace.state.glob("live.db*"))
    assert entries["one"].subjects[0].encode() in kept
    assert asked["first"].encode() not in kept
    assert b"nobody" not in kept


def test_the_command_finds_what_is_on_record_about_a_customer(
    workspace: Workspace, asked: Asked, entries, key: tuple[str, str]
) -> None:
    about = done("audit", "list", "--customer", asked["second"], "-C", workspace.folder)
    assert [entry["request_id"] for entry in about["entries"]] == ["by-id"]
    of_erased = done("audit", "list", "--customer", asked["erased"], "-C", workspace.folder)
    [act] = of_erased["entries"]
    assert (act["what"], act["actor"]) == ("erase customer", key[0])
    shown = keepworth("audit", "list", "--by", key[0], "-C", workspace.folder)
    assert "POST /v1/what-if" in shown.out
    assert asked["first"] not in shown.out


def test_acts_are_on_record_too(workspace: Workspace, key: tuple[str, str], entries) -> None:
    acts = done("audit", "list", "--most", 1000, "-C", workspace.folder)["entries"]
    assert {("make key", key[0]), ("train", "1")} <= {
        (act["what"], act["subjects"][0]) for act in acts
    }


def test_reads_are_forgotten_and_that_stays_on_record(workspace: Workspace, entries) -> None:
    forgotten = done("audit", "forget", "--before", "2100-01-01", "-C", workspace.folder)
    assert forgotten["forgotten"] == len(entries)
    left = done("audit", "list", "-C", workspace.folder)
    assert left["reads"] == 0
    assert left["entries"][0]["what"] == "forget reads"
    assert keepworth("audit", "forget", "--before", "yesterday", "-C", workspace.folder).code == 2


def test_calls_get_ids_of_their_own_unless_theirs_can_stand_in_a_log(client: Caller) -> None:
    sent = ["fine-1.2_3", 'x" y', "a" * 65, ""]
    answered = [
        client.request("GET", "/livez", headers={"x-request-id": one}).headers["x-request-id"]
        for one in sent
    ]
    assert answered[0] == "fine-1.2_3"
    assert all(len(one) == 16 for one in answered[1:])
    assert len(set(answered)) == 4
