"""Reasons beside the scores of a portfolio: for those with most value at stake, and no others."""

import pyarrow as pa
import pytest

from features.instants import datetime_of
from serving.commands.explained import with_reasons
from serving.commands.portfolio import valued
from serving.store.serving_version import load_version
from serving.workspace import Workspace
from training.known import observed_bounds

MOST = 7


@pytest.fixture(scope="module")
def tables(operator_workspace: Workspace) -> tuple[pa.Table, pa.Table]:
    """The scores of everybody, without reasons and with those of a few."""
    bundle = load_version(operator_workspace.state)
    log = operator_workspace.log()
    as_of = datetime_of(observed_bounds(log, bundle.business)[1])
    plain = valued(operator_workspace, bundle, as_of, workers=1).table
    return plain, with_reasons(plain, log, bundle, as_of, MOST)


def test_those_with_most_value_at_stake_get_reasons(tables: tuple[pa.Table, pa.Table]) -> None:
    rows = tables[1].to_pylist()
    told = {row["customer_id"] for row in rows if row["reasons"] is not None}
    by_stake = sorted(rows, key=lambda row: (-row["value_at_stake"], row["customer_id"]))

    assert told == {row["customer_id"] for row in by_stake[:MOST]}
    for row in rows:
        assert (row["reasons"] is None) == any(
            "reasons is null" in text for text in row["warnings"]
        )


def test_everything_else_stays_as_it_was(tables: tuple[pa.Table, pa.Table]) -> None:
    plain, told = (table.drop_columns(["reasons", "warnings"]) for table in tables)

    assert told.equals(plain)
    assert tables[0].schema == tables[1].schema
