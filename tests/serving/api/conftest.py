"""The application in this process, over the small operator; and customers as a caller has them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from features.blocks import blocks
from serving.api.current import Current
from serving.api.serve import running_service
from serving.store.keys import SCOPES, make_key
from serving.store.serving_version import load_version
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, InlineOf, Row, calling, copy_of
from training.known import observed_bounds
from training.score_table import score_rows
from training.scoring import score


@pytest.fixture(scope="session")
def client(operator_workspace: Workspace) -> Iterator[Caller]:
    with calling(operator_workspace) as caller:
        yield caller


@dataclass(frozen=True)
class Keyed:
    """Hold a real server of two workers that wants keys, and a token for each scope."""

    base_url: str
    workspace: Workspace
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def keyed(
    operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Keyed]:
    """Yield the server over a copy; "all" is a token of every scope."""
    workspace = copy_of(operator_workspace, tmp_path_factory.mktemp("keyed-server") / "copy")
    scopes = {scope: [scope] for scope in SCOPES} | {"all": list(SCOPES)}
    now = datetime.now(UTC)
    tokens = {name: make_key(workspace.store, name, of, now)[1] for name, of in scopes.items()}
    with running_service(workspace, workers=2) as base_url:
        yield Keyed(base_url, workspace, tokens)


@pytest.fixture(scope="session")
def observed_until(operator_workspace: Workspace) -> int:
    """Return until when the operator's outcomes are complete, in microseconds."""
    return observed_bounds(operator_workspace.log(), operator_workspace.configuration.business)[1]


@pytest.fixture(scope="session")
def batch_rows(operator_workspace: Workspace, observed_until: int) -> dict[str, Row]:
    """Return what batch says of every customer at the end of observation."""
    bundle = load_version(operator_workspace.store)
    log = operator_workspace.log()
    rows: list[Row] = []
    for block in blocks(log, bundle.business, list(bundle.vocabulary.levels)):
        rows.extend(score_rows(score(bundle, block, observed_until), bundle.business))
    return {row["customer_id"]: row for row in rows}


@pytest.fixture(scope="session")
def active_ids(batch_rows: dict[str, Row]) -> list[str]:
    return [name for name, row in batch_rows.items() if row["status"] == "active"]


@pytest.fixture(scope="session")
def inline(operator_workspace: Workspace) -> InlineOf:
    """Return a function that gives a customer of the log as an inline customer."""
    current = Current(operator_workspace)
    attributes = list(current.serving().bundle.vocabulary.levels)

    def inline_customer(customer_id: str) -> Row:
        tables = current.known().tables_of([customer_id])
        assert tables.customers is not None
        events = [_as_json(event) for event in tables.events.to_pylist()]
        known = next(
            row for row in tables.customers.to_pylist() if row["customer_id"] == customer_id
        )
        facts = ("acquired_at", "acquisition_cost", "referred_by")
        profile = _as_json({name: known[name] for name in facts})
        of_attributes = {name: known[name] for name in attributes}
        return {
            "customer_id": customer_id,
            "events": [{k: v for k, v in e.items() if k != "customer_id"} for e in events],
            "attributes": of_attributes,
            **profile,
        }

    return inline_customer


def _as_json(row: Row) -> Row:
    """Return a row without nulls, times as text."""
    told = {name: value for name, value in row.items() if value is not None}
    told = {name: value for name, value in told.items() if not _is_nan(value)}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in told.items()
    }


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
