"""Scores by id know what was posted a moment ago, and only what was known as of then."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from features.instants import datetime_of
from serving.store.draining import drain
from serving.store.live_events import live_history
from serving.workspace import Workspace
from tests.serving.api.calls import DAY, Caller, Row, answered, calling, copy_of, happened, problem

_NUMBERS = count()


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return copy_of(operator_workspace, tmp_path_factory.mktemp("live") / "copy")


@pytest.fixture(scope="module")
def caller(workspace: Workspace, observed_until: int) -> Iterator[Caller]:
    """Yield a caller of a service whose clock stands a day after the end of observation."""
    with calling(workspace, lambda: observed_until + DAY) as caller:
        yield caller


@pytest.fixture
def stayer(batch_rows: dict[str, Row], workspace: Workspace) -> str:
    """Return an active customer whom no other test has posted about."""
    active = [name for name, row in batch_rows.items() if row["status"] == "active"]
    return active[20 + next(_NUMBERS)]


def scored(caller: Caller, customer_id: str, as_of: int | None = None) -> Row:
    terms = {} if as_of is None else {"as_of": datetime_of(as_of).isoformat()}
    body = {"customer_ids": [customer_id], **terms}
    return answered(caller, "/v1/score", body)["scores"][0]


def plan_of(workspace: Workspace, customer_id: str) -> float:
    """Return what a customer was last charged a month."""
    log = workspace.log()
    rows = [
        row
        for bucket in range(log.n_buckets)
        for row in log.read_events(bucket, customer_ids=[customer_id]).to_pylist()
        if row["kind"] in ("subscribe", "plan_change", "renew")
    ]
    return rows[-1]["amount"]


def test_a_downgrade_posted_a_moment_ago_moves_churn_spend_and_clv(
    caller: Caller, workspace: Workspace, stayer: str, observed_until: int
) -> None:
    then = observed_until + DAY + 1
    before = scored(caller, stayer, then)
    paid = plan_of(workspace, stayer)
    downgrade = happened(
        stayer, "plan_change", observed_until + DAY // 2, amount=paid / 3, label="Mini"
    )
    assert caller.record(downgrade)["accepted"] == 1
    after = scored(caller, stayer)
    assert after["as_of"] == datetime_of(then).isoformat().replace("+00:00", "Z")
    assert after["churn_3m"] != before["churn_3m"]
    assert after["expected_margin"][0] < before["expected_margin"][0]
    assert after["clv"] < before["clv"]


def test_the_answer_is_that_of_the_same_events_given_inline(
    caller: Caller, inline, stayer: str, observed_until: int
) -> None:
    instant = observed_until + DAY // 3
    caller.record(
        happened(stayer, "support", instant, label="high"),
        happened(stayer, "payment_failed", instant + 5, amount=20.0, label="card"),
    )
    by_id = scored(caller, stayer)
    whole = inline(stayer)
    recorded_at = datetime_of(observed_until + DAY).isoformat()
    ends = {"recorded_at": recorded_at}
    whole["events"] += [
        {"kind": "support", "occurred_at": datetime_of(instant).isoformat(), "label": "high"}
        | ends,
        {"kind": "payment_failed", "occurred_at": datetime_of(instant + 5).isoformat()}
        | {"amount": 20.0, "label": "card"}
        | ends,
    ]
    body = {"customers": [whole], "as_of": by_id["as_of"]}
    assert answered(caller, "/v1/score", body)["scores"] == [by_id]


def test_the_past_is_answered_as_of_then(
    caller: Caller, stayer: str, observed_until: int, batch_rows: dict[str, Row]
) -> None:
    caller.record(happened(stayer, "cancel", observed_until - 30 * DAY, label="voluntary"))
    assert scored(caller, stayer)["status"] == "lost"
    assert scored(caller, stayer, observed_until + DAY)["status"] == "active"
    assert scored(caller, stayer, observed_until) == batch_rows[stayer]


def test_a_customer_of_whom_the_log_knows_nothing_is_scored(
    caller: Caller, observed_until: int
) -> None:
    newcomer = f"newcomer-{next(_NUMBERS)}"
    answer = caller.post("/v1/score", json={"customer_ids": [newcomer]})
    assert answer.status_code == 404
    caller.record(happened(newcomer, "subscribe", observed_until, amount=20.0, label="Mini"))
    assert scored(caller, newcomer)["status"] == "active"


def test_every_order_of_arrival_gives_the_same_score(
    caller: Caller, batch_rows: dict[str, Row], observed_until: int
) -> None:
    scores = []
    for order in ([0, 1, 2], [2, 0, 1], [1, 1, 2, 0, 2]):
        newcomer = f"newcomer-{next(_NUMBERS)}"
        events = [
            happened(newcomer, "subscribe", observed_until - 9 * DAY, amount=20.0, label="Mini"),
            happened(newcomer, "usage", observed_until - 3 * DAY, amount=2.0, label="data_gb"),
            happened(newcomer, "support", observed_until, label="high"),
        ]
        for number in order:
            caller.record(events[number])
        scores.append(scored(caller, newcomer) | {"customer_id": ""})
    assert scores[0] == scores[1] == scores[2]


def test_another_worker_knows_it_at_once(
    caller: Caller, workspace: Workspace, stayer: str, observed_until: int
) -> None:
    with calling(workspace) as other:
        before = scored(other, stayer, observed_until + 2 * DAY)
        caller.record(happened(stayer, "cancel", observed_until, label="voluntary"))
        after = scored(other, stayer, observed_until + 2 * DAY)
    assert (before["status"], after["status"]) == ("active", "lost")


def test_what_if_builds_on_what_was_posted(
    caller: Caller, stayer: str, observed_until: int
) -> None:
    caller.record(happened(stayer, "support", observed_until, label="high"))
    body = {"customer_id": stayer, "events": [{"kind": "support", "label": "high"}]}
    answer = answered(caller, "/v1/what-if", body)
    assert answer["before"] == scored(caller, stayer)


def test_all_stand_at_the_same_instant(
    caller: Caller, workspace: Workspace, batch_rows: dict[str, Row], observed_until: int
) -> None:
    caller.record(happened("somebody-else", "support", observed_until + DAY))
    ids = list(batch_rows)[:20]
    answer = answered(caller, "/v1/score", {"customer_ids": ids})
    assert {row["as_of"] for row in answer["scores"]} == {answer["as_of"]}
    assert answer["as_of"] > datetime_of(observed_until).isoformat()


def test_a_thousand_customers_are_scored_as_batch_scores_them(
    caller: Caller, batch_rows: dict[str, Row], observed_until: int
) -> None:
    ids = list(batch_rows)[:1000]
    body = {"customer_ids": ids, "as_of": datetime_of(observed_until).isoformat()}
    assert answered(caller, "/v1/score", body)["scores"] == [batch_rows[name] for name in ids]


def test_copies_that_are_removed_are_made_anew(
    caller: Caller, workspace: Workspace, batch_rows: dict[str, Row], observed_until: int
) -> None:
    shutil.rmtree(workspace.state / "histories")
    with calling(workspace) as fresh:
        name = next(iter(batch_rows))
        assert scored(fresh, name, observed_until) == batch_rows[name]


def test_draining_changes_no_score_not_even_while_it_runs(
    caller: Caller, workspace: Workspace, stayer: str, observed_until: int
) -> None:
    caller.record(happened(stayer, "support", observed_until, label="high"))
    before = scored(caller, stayer)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            draining = pool.submit(drain, workspace.store, datetime_of(observed_until))
            while not draining.done():
                assert scored(caller, stayer) == before
            draining.result()
            assert scored(caller, stayer) == before
    assert live_history(workspace.store, [stayer]).events.num_rows == 0


def test_calls_that_come_at_once_get_the_numbers_of_batch_each_its_own(
    caller: Caller, batch_rows: dict[str, Row], observed_until: int
) -> None:
    ids = list(batch_rows)[:120]
    as_of = datetime_of(observed_until).isoformat()
    asked = [[name] if number % 5 else [name, "ghost"] for number, name in enumerate(ids)]
    with ThreadPoolExecutor(16) as pool:
        bodies = [{"customer_ids": names, "as_of": as_of} for names in asked]
        answers = list(pool.map(lambda body: caller.post("/v1/score", json=body), bodies))
    for names, answer in zip(asked, answers, strict=True):
        if "ghost" in names:
            assert [error["value"] for error in problem(answer, 404)["errors"]] == ["ghost"]
        else:
            assert answer.json()["scores"] == [batch_rows[names[0]]]
