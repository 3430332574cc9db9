"""GET /v1/portfolio: what the newest scores add up to, and what led to it."""

from collections.abc import Iterator

import pandas as pd
import pytest

from serving.api.openapi import openapi_document
from serving.workspace import Workspace
from tests.serving.api.calls import Caller, Row, calling, copy_of, problem
from tests.serving.commands.terminal import done

EARLIER = "2023-11-01"


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace that was scored two months before the end, and at the end."""
    workspace = copy_of(operator_workspace, tmp_path_factory.mktemp("portfolio") / "copy")
    for terms in (("--as-of", EARLIER), ()):
        done("score", "-C", workspace.folder, "--workers", 1, *terms)
    return workspace


@pytest.fixture(scope="module")
def caller(workspace: Workspace) -> Iterator[Caller]:
    with calling(workspace) as caller:
        yield caller


@pytest.fixture(scope="module")
def answer(caller: Caller) -> Row:
    found = caller.get("/v1/portfolio")
    assert found.status_code == 200, found.text
    return found.json()


def scores(workspace: Workspace, *, newest: bool) -> pd.DataFrame:
    files = sorted((workspace.folder / "scores").glob("*/scores.parquet"))
    assert files[0].parent.name == EARLIER
    return pd.read_parquet(files[-1 if newest else 0]).set_index("customer_id")


def test_before_anything_was_scored_there_is_none(client: Caller) -> None:
    missing = problem(client.get("/v1/portfolio"), 404)
    assert missing["type"] == "/docs#nothing-scored"
    assert "keepworth score" in missing["detail"]


def test_totals_are_those_of_the_newest_scores(answer: Row, workspace: Workspace) -> None:
    table = scores(workspace, newest=True)
    there = table[table["status"] == "active"]
    assert answer["as_of"] == table["as_of"].iloc[0].isoformat().replace("+00:00", "Z")
    assert (answer["customers"], answer["lost"]) == (len(there), len(table) - len(there))
    assert answer["customer_equity"] == pytest.approx(there["clv"].sum(), rel=1e-12)
    assert answer["loss_makers"] == (there["clv"] < 0).sum()
    assert answer["model_version"] == "1"
    assert answer["scored_at"] > "2026"
    assert not [said for said in answer["warnings"] if "version" in said]


def test_segments_are_groups_of_the_scores(answer: Row, workspace: Workspace) -> None:
    table = scores(workspace, newest=True)
    by_segment = table[table["status"] == "active"].groupby("segment")
    assert [row["segment"] for row in answer["segments"]] == sorted(by_segment.groups)
    for row in answer["segments"]:
        group = by_segment.get_group(row["segment"])
        assert row["customers"] == len(group)
        assert row["customer_equity"] == pytest.approx(group["clv"].sum(), rel=1e-12)
        assert row["mean_clv"] == pytest.approx(group["clv"].mean(), rel=1e-12)
        assert row["churn_3m"] == pytest.approx(group["churn_3m"].mean(), rel=1e-12)
        assert row["value_at_stake"] == pytest.approx(group["value_at_stake"].sum(), rel=1e-12)


def test_cohorts_are_months_of_beginning_and_add_up(answer: Row, workspace: Workspace) -> None:
    table = scores(workspace, newest=True)
    customers = workspace.log().read_customers().to_pandas().set_index("customer_id")
    months = customers["acquired_at"].reindex(table.index).dt.strftime("%Y-%m")
    assert months.notna().all()
    there = table["status"] == "active"
    assert {row["cohort"] for row in answer["cohorts"]} == set(months)
    for row in answer["cohorts"]:
        group = table[(months == row["cohort"]) & there]
        assert row["customers"] == len(group)
        assert row["lost"] == ((months == row["cohort"]) & ~there).sum()
        assert row["customer_equity"] == pytest.approx(group["clv"].sum(), rel=1e-12, abs=1e-9)
    total = sum(row["customer_equity"] for row in answer["cohorts"])
    assert total == pytest.approx(answer["customer_equity"], rel=1e-12)


def test_the_last_scores_lead_to_these(answer: Row, workspace: Workspace) -> None:
    was, now = scores(workspace, newest=False), scores(workspace, newest=True)
    before, after = (set(table[table["status"] == "active"].index) for table in (was, now))
    found = answer["since_last_scores"]
    assert found["as_of"].startswith(EARLIER)
    assert found["customer_equity"] == pytest.approx(was["clv"].sum(), rel=1e-12)
    assert found["stayed"] == len(before & after)
    assert found["left"] == len(before - after) > 0
    assert found["joined"] == len(after - before) > 0
    led_to = found["customer_equity"] + found["stayed_change"] - found["left_equity"]
    assert led_to + found["joined_equity"] == pytest.approx(answer["customer_equity"], rel=1e-12)


def test_levers_lead_from_the_month_before_to_now(answer: Row) -> None:
    month = answer["since_month_before"]
    led_to = month["customer_equity_before"] + month["time"] + month["value"]
    assert led_to == pytest.approx(month["customer_equity_now"], rel=1e-9)
    assert month["customers"] > 0


def test_what_is_written_anew_is_answered_anew(caller: Caller, workspace: Workspace) -> None:
    first = caller.get("/v1/portfolio").json()
    [*_, file] = sorted((workspace.folder / "scores").glob("*/portfolio.json"))
    whole = file.read_bytes()
    try:
        file.write_bytes(
            whole.replace(
                b'"model_version": "1",\n "currency"', b'"model_version": "7",\n "currency"'
            )
        )
        second = caller.get("/v1/portfolio").json()
        file.write_bytes(whole[:-20])
        damaged = problem(caller.get("/v1/portfolio"), 404)
    finally:
        file.write_bytes(whole)
    assert second["warnings"] == [
        *first["warnings"],
        "scored with version 7, while version 1 serves; run `keepworth score`",
    ]
    assert "cannot be read" in damaged["detail"]
    assert caller.get("/v1/portfolio").json() == first


def test_the_answer_has_exactly_the_fields_that_are_described(answer: Row) -> None:
    described = openapi_document()["components"]["schemas"]["PortfolioAnswer"]["properties"]
    assert set(answer) == set(described)
