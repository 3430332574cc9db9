"""Who may call what: keys, scopes, limits."""

import gc
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from serving.api.access import REMEMBERED_SECONDS, SCOPE_OF_OPERATION
from serving.api.openapi import OPERATIONS
from serving.store.keys import SCOPES, make_key, revoke_key
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, calling, copy_of, one_customer, problem

NOW = datetime(2025, 6, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return copy_of(operator_workspace, tmp_path_factory.mktemp("keyed") / "copy")


@pytest.fixture(scope="module")
def tokens(workspace: Workspace) -> dict[str, str]:
    """Return a token for each scope."""
    return {scope: make_key(workspace.store, scope, [scope], NOW)[1] for scope in SCOPES}


@pytest.fixture(scope="module")
def caller(workspace: Workspace, tokens: dict[str, str]) -> Iterator[Caller]:
    with calling(workspace) as caller:
        yield caller


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def call(caller: Caller, method: str, path: str, token: str | None) -> httpx.Response:
    return caller.request(method, path, headers=bearer(token) if token else {})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_the_matrix_of_scopes_holds(caller: Caller, tokens: dict[str, str], operation) -> None:
    is_open = operation.path in ("/livez", "/readyz")
    method = operation.method.upper()
    assert (call(caller, method, operation.path, None).status_code == 401) is not is_open
    for scope, token in tokens.items():
        wanted = SCOPE_OF_OPERATION.get((method, operation.path), scope)
        answer = call(caller, method, operation.path, token)
        assert answer.status_code != 401
        assert (answer.status_code == 403) == (scope != wanted)


def test_every_route_of_v1_wants_a_scope() -> None:
    described = {(operation.method.upper(), operation.path) for operation in OPERATIONS}
    assert {each for each in described if each[1].startswith("/v1/")} <= set(SCOPE_OF_OPERATION)


def test_a_head_wants_the_scope_of_a_get(caller: Caller, tokens: dict[str, str]) -> None:
    assert call(caller, "HEAD", "/v1/model", tokens["score"]).status_code == 200
    assert call(caller, "HEAD", "/v1/model", tokens["ingest"]).status_code == 403


def test_a_key_lets_its_bearer_score(caller: Caller, tokens: dict[str, str]) -> None:
    headers = bearer(tokens["score"])
    answer = caller.request("POST", "/v1/score", json=one_customer(), headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic a2V5Og==", "Bearer kw_a_b"]
)
def test_what_is_no_key_is_401_and_says_how(caller: Caller, authorization: str) -> None:
    answer = caller.request("GET", "/v1/model", headers={"authorization": authorization})
    assert "keepworth keys make" in problem(answer, 401)["detail"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_routes_that_do_not_exist_tell_strangers_nothing(caller: Caller) -> None:
    problem(caller.get("/v1/nothing"), 401)
    problem(caller.request("DELETE", "/v1/score"), 401)


def test_a_missing_scope_is_403_and_named(caller: Caller, tokens: dict[str, str]) -> None:
    answer = call(caller, "GET", "/v1/model", tokens["ingest"])
    assert "wants the scope score" in problem(answer, 403)["detail"]
    assert tokens["ingest"] not in answer.text


def test_a_revoked_key_opens_nothing_within_a_second(caller: Caller, workspace: Workspace) -> None:
    key, token = make_key(workspace.store, "crm", ["score"], NOW)
    assert call(caller, "GET", "/v1/model", token).status_code == 200
    revoke_key(workspace.store, key.key_id, NOW)
    time.sleep(REMEMBERED_SECONDS + 0.1)
    problem(call(caller, "GET", "/v1/model", token), 401)


def test_calls_beyond_the_limit_are_429_on_every_worker(
    caller: Caller, workspace: Workspace
) -> None:
    _, token = make_key(workspace.store, "till", ["score"], NOW, 4)
    _await_a_young_minute()
    with calling(workspace) as other:
        statuses = [
            call(worker, "GET", "/v1/model", token).status_code
            for worker in (caller, other, caller, other, caller, other)
        ]
        assert statuses == [200, 200, 200, 200, 429, 429]
        answer = call(other, "GET", "/v1/model", token)
    problem(answer, 429)
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_a_spent_key_asks_the_store_no_more(workspace: Workspace) -> None:
    _, token = make_key(workspace.store, "spent", ["score"], NOW, 2)
    _await_a_young_minute()
    with calling(workspace) as caller:
        statuses = [call(caller, "GET", "/v1/model", token).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        with workspace.store.writing():
            # Whoever wanted a turn to write would wait for it.
            problem(call(caller, "GET", "/v1/model", token), 429)


def test_what_strangers_send_takes_no_room(workspace: Workspace) -> None:
    with calling(workspace) as caller:
        gc.collect()
        tracemalloc.start()
        for number in range(200):
            long = f"kw_{number:012x}_{'x' * 60_000}"
            problem(call(caller, "GET", "/v1/model", long), 401)
            likely = f"kw_{number:012x}_{'x' * 43}"
            problem(call(caller, "GET", "/v1/model", likely), 401)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert held < 4_000_000


def _await_a_young_minute() -> None:
    """Wait until a few seconds of the minute are left at least."""
    left = 60 - time.time() % 60
    if left < 10:
        time.sleep(left)


def test_without_keys_this_machine_may_call_and_no_other(operator_workspace: Workspace) -> None:
    with calling(operator_workspace) as here:
        assert here.get("/v1/model").status_code == 200
    with calling(operator_workspace, client=("192.0.2.7", 5000)) as elsewhere:
        problem(elsewhere.get("/v1/model"), 401)
        assert elsewhere.get("/livez").status_code == 200


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1", "[::1]:3000", "LOCALHOST"])
def test_without_keys_this_machine_answers_to_its_own_names(client: Caller, host: str) -> None:
    assert client.request("GET", "/v1/model", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:3000", "localhost.evil.example", "192.0.2.7", "", "[", "::1"],
)
def test_without_keys_a_page_that_rebinds_its_name_to_this_machine_gets_nothing(
    client: Caller, active_ids: list[str], host: str
) -> None:
    headers = {"host": host, "origin": f"http://{host}"}
    path = f"/v1/customers/{active_ids[0]}"
    for method in ("GET", "DELETE"):
        refused = problem(client.request(method, path, headers=headers), 403)
        assert "localhost" in refused["detail"]
    assert client.get(path).status_code == 200


def test_a_last_key_that_is_revoked_leaves_the_door_shut(
    operator_workspace: Workspace, tmp_path
) -> None:
    workspace = copy_of(operator_workspace, tmp_path / "copy")
    key, _ = make_key(workspace.store, "crm", ["score"], NOW)
    revoke_key(workspace.store, key.key_id, NOW)
    with calling(workspace) as caller:
        problem(caller.get("/v1/model"), 401)
