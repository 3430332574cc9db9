"""GET /v1/customers/{customer_id}: the past in brief, and the score that /v1/score gives."""

from collections.abc import Iterator

import pytest

from serving.workspace import Workspace
from tests.serving.api.calls import (
    DAY,
    Caller,
    Row,
    answered,
    calling,
    copy_of,
    happened,
    problem,
    text,
)


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return copy_of(operator_workspace, tmp_path_factory.mktemp("customer") / "copy")


@pytest.fixture(scope="module")
def caller(workspace: Workspace, observed_until: int) -> Iterator[Caller]:
    """Yield a caller of a service whose clock stands a day after the end of observation."""
    with calling(workspace, lambda: observed_until + DAY) as caller:
        yield caller


def described(caller: Caller, customer_id: str) -> Row:
    answer = caller.get(f"/v1/customers/{customer_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_score_is_the_one_that_score_gives(caller: Caller, batch_rows: dict[str, Row]) -> None:
    for customer_id in list(batch_rows)[:20]:
        scores = answered(caller, "/v1/score", {"customer_ids": [customer_id]})
        answer = described(caller, customer_id)
        assert answer["score"] == scores["scores"][0]
        for shared in ("as_of", "model_version", "currency"):
            assert answer[shared] == scores[shared]


def test_a_past_is_told_in_counts_dates_and_open_subscriptions(
    caller: Caller, observed_until: int
) -> None:
    began = observed_until - 65 * DAY
    moved, ends = observed_until - 10 * DAY, observed_until + 20 * DAY
    caller.record(
        happened("known", "subscribe", began, amount=20.0, label="L", subscription_id="a"),
        happened("known", "subscribe", began + DAY, amount=5.0, label="S", subscription_id="b"),
        happened("known", "support", began + 2 * DAY, label="high"),
        happened("known", "support", began + 3 * DAY, label="low"),
        happened(
            "known", "plan_change", moved, amount=8.0, list_amount=10.0, label="M",
            term_months=12, subscription_id="a",
        ),
        happened("known", "cancel", moved, subscription_id="b", effective_at=text(ends)),
    )  # fmt: skip
    answer = described(caller, "known")
    history = answer["history"]
    assert history["events"] == 6
    assert history["events_by_kind"] == {
        "cancel": 1,
        "plan_change": 1,
        "subscribe": 2,
        "support": 2,
    }
    assert (history["first_event_at"], history["last_event_at"]) == (text(began), text(moved))
    assert history["tenure_months"] == 2
    assert history["mrr"] == 13.0
    first, second = history["open_subscriptions"]
    assert first == {
        "subscription_id": "a", "plan": "M", "mrr": 8.0, "list_mrr": 10.0, "term_months": 12,
        "since": text(began), "on_these_terms_since": text(moved), "changes_at": None,
        "ends_at": None,
    }  # fmt: skip
    assert second == {
        "subscription_id": "b", "plan": "S", "mrr": 5.0, "list_mrr": 5.0, "term_months": None,
        "since": text(began + DAY), "on_these_terms_since": text(began + DAY), "changes_at": None,
        "ends_at": text(ends),
    }  # fmt: skip
    assert answer["profile"] is None
    assert answer["warnings"] == ["profile is null: the customers table does not list the customer"]


def test_a_booked_change_is_told_and_a_plan_event_that_names_no_subscription_is_of_the_one_before(
    caller: Caller, observed_until: int
) -> None:
    began, later = observed_until - 40 * DAY, observed_until + 9 * DAY
    caller.record(
        happened("booked", "subscribe", began, amount=20.0, label="L", subscription_id="only"),
        happened("booked", "renew", began + DAY, amount=21.0, label="L"),
        happened(
            "booked", "plan_change", began + 2 * DAY, amount=9.0, label="S",
            effective_at=text(later),
        ),
    )  # fmt: skip
    [one] = described(caller, "booked")["history"]["open_subscriptions"]
    assert (one["subscription_id"], one["plan"], one["mrr"]) == ("only", "L", 21.0)
    assert (one["since"], one["on_these_terms_since"]) == (text(began), text(began + DAY))
    assert (one["changes_at"], one["ends_at"]) == (text(later), None)


def test_a_customer_who_left_has_no_tenure_and_nothing_open(
    caller: Caller, batch_rows: dict[str, Row]
) -> None:
    left = next(name for name, row in batch_rows.items() if row["status"] == "lost")
    answer = described(caller, left)
    history = answer["history"]
    assert (history["tenure_months"], history["mrr"], history["open_subscriptions"]) == (
        None,
        0,
        [],
    )
    assert history["events"] > 0
    assert answer["score"]["status"] == "lost"


def test_the_profile_is_the_row_of_the_customers_table(
    caller: Caller, workspace: Workspace, active_ids: list[str]
) -> None:
    [row] = workspace.log().read_customers([active_ids[0]]).to_pylist()
    profile = described(caller, active_ids[0])["profile"]
    assert profile["acquired_at"] == row["acquired_at"].isoformat().replace("+00:00", "Z")
    assert profile["acquisition_channel"] == row["acquisition_channel"]
    assert profile["attributes"]["region"] == row["region"]


@pytest.mark.parametrize("customer_id", ["nobody", "a/b", "..%2f..%2fetc", "x" * 5000])
def test_who_was_never_known_is_404(caller: Caller, customer_id: str) -> None:
    answer = problem(caller.get(f"/v1/customers/{customer_id}"), 404)
    assert answer["type"] == "/docs#unknown-customers"


def test_who_was_erased_is_410(caller: Caller, active_ids: list[str]) -> None:
    gone = active_ids[5]
    assert caller.request("DELETE", f"/v1/customers/{gone}").status_code == 200
    assert problem(caller.get(f"/v1/customers/{gone}"), 410)["type"] == "/docs#erased"


def test_an_id_may_hold_what_a_path_may_not(caller: Caller, observed_until: int) -> None:
    odd = "a/b ?#ü%"
    caller.record(happened(odd, "subscribe", observed_until - DAY, amount=20.0, label="L"))
    answer = described(caller, "a%2Fb%20%3F%23%C3%BC%25")
    assert answer["customer_id"] == answer["score"]["customer_id"] == odd
    assert answer["history"]["events"] == 1


def test_other_methods_are_405_and_both_are_allowed(caller: Caller) -> None:
    answer = caller.request("PUT", "/v1/customers/anybody")
    problem(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == {"DELETE", "GET", "HEAD"}
