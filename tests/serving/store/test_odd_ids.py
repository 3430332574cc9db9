"""Ids that no database can hold: refused as such, on SQLite and on PostgreSQL, and alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.store.serving_version import add_version, find_version
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, calling, copy_of, happened, problem

WITH_NUL = "a\0b"
NOON = 1_717_243_200_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def caller(
    request: pytest.FixtureRequest, operator_workspace: Workspace, tmp_path: Path
) -> Iterator[Caller]:
    workspace = copy_of(operator_workspace, tmp_path / "copy")
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_postgres_url")
        workspace = Workspace(workspace.folder, workspace.configuration, url)
        add_version(workspace.store, find_version(operator_workspace.store))
    with calling(workspace) as caller:
        yield caller


def test_a_nul_in_an_id_is_refused_wherever_it_stands(caller: Caller) -> None:
    usage = {"kind": "support"}
    bodies = [
        ("/v1/score", {"customer_ids": ["C000001", WITH_NUL]}),
        ("/v1/score", {"customers": [{"customer_id": WITH_NUL, "events": []}]}),
        ("/v1/what-if", {"customer_id": WITH_NUL, "events": [usage]}),
    ]
    for path, body in bodies:
        [error] = problem(caller.post(path, json=body), 422)["errors"]
        assert error["expected"] == "expected text without NUL bytes"
    for method in ("GET", "DELETE"):
        details = problem(caller.request(method, "/v1/customers/a%00b"), 422)
        assert "NUL" in details["errors"][0]["expected"]
    said = happened(WITH_NUL, "support", NOON)
    label = happened("C000001", "support", NOON, label=WITH_NUL)
    assert caller.record(said, label)["rejected"] == 2


@pytest.mark.parametrize(
    "odd", ["\u202e", "%", "_", "'", '"', "\\", "\x01", "\uffff", "a/../b", " "]
)
def test_what_a_database_may_read_otherwise_is_nobody(caller: Caller, odd: str) -> None:
    missing = problem(caller.post("/v1/score", json={"customer_ids": [odd]}), 404)
    assert [error["value"] for error in missing["errors"]] == [odd]
