"""POST /v1/score gives the numbers of batch, and the same for the same events inline."""

import pytest

from tests.serving.api.calls import SUBSCRIBED, Caller, InlineOf, Row, answered, one_customer


def scored(client: Caller, body: Row) -> Row:
    return answered(client, "/v1/score", body)


def test_every_customer_gets_the_numbers_of_batch_to_the_bit(
    client: Caller, batch_rows: dict[str, Row]
) -> None:
    ids = list(batch_rows)
    answered: dict[str, Row] = {}
    for first in range(0, len(ids), 1000):
        answer = scored(client, {"customer_ids": ids[first : first + 1000]})
        answered |= {row["customer_id"]: row for row in answer["scores"]}
    assert answered == batch_rows


def test_a_customer_alone_gets_the_numbers_they_have_in_a_crowd(
    client: Caller, batch_rows: dict[str, Row]
) -> None:
    for customer_id in list(batch_rows)[::160]:
        assert scored(client, {"customer_ids": [customer_id]})["scores"] == [
            batch_rows[customer_id]
        ]


def test_the_same_events_inline_give_the_same_answer(
    client: Caller, batch_rows: dict[str, Row], inline: InlineOf
) -> None:
    ids = [*list(batch_rows)[::80], *list(batch_rows)[::-200]]
    ids = list(dict.fromkeys(ids))
    as_of = batch_rows[ids[0]]["as_of"]
    answer = scored(client, {"customers": [inline(name) for name in ids], "as_of": as_of})
    assert answer["scores"] == [batch_rows[name] for name in ids]


def test_events_without_an_id_score_as_ingest_would_have_named_them(
    client: Caller, active_ids: list[str], batch_rows: dict[str, Row], inline: InlineOf
) -> None:
    customer = inline(active_ids[0])
    usage = [event for event in customer["events"] if event["kind"] == "usage"]
    for event in usage:
        del event["event_id"]
    body = {"customers": [customer], "as_of": batch_rows[active_ids[0]]["as_of"]}
    assert scored(client, body)["scores"] == [batch_rows[active_ids[0]]]


def test_scores_come_in_the_order_asked(client: Caller, batch_rows: dict[str, Row]) -> None:
    ids = list(batch_rows)[:5][::-1]
    rows = scored(client, {"customer_ids": ids})["scores"]
    assert [row["customer_id"] for row in rows] == ids


def test_by_id_as_of_is_the_end_of_observation_unless_said(
    client: Caller, active_ids: list[str]
) -> None:
    usual = scored(client, {"customer_ids": active_ids[:1]})
    assert usual["as_of"] == "2024-01-01T00:00:00Z"
    earlier = scored(client, {"customer_ids": active_ids[:1], "as_of": "2023-12-01T02:00:00+02:00"})
    assert earlier["as_of"] == "2023-12-01T00:00:00Z"
    assert earlier["scores"][0]["clv"] != usual["scores"][0]["clv"]


def test_inline_as_of_is_just_after_the_last_event_known(client: Caller) -> None:
    late = {
        "kind": "support",
        "occurred_at": "2023-05-01T10:00:00Z",
        "recorded_at": "2023-05-02T00:00:00Z",
    }
    answer = scored(client, one_customer(late))
    assert answer["as_of"] == "2023-05-02T00:00:00.000001Z"


def test_answer_names_version_and_currency(client: Caller, active_ids: list[str]) -> None:
    answer = scored(client, {"customer_ids": active_ids[:1]})
    assert (answer["model_version"], answer["currency"]) == ("1", "EUR")


def test_without_discounting_clv_is_the_sum_of_expected_margin(
    client: Caller, active_ids: list[str]
) -> None:
    terms = {"horizon_months": 7, "annual_discount_rate": 0}
    row = scored(client, {"customer_ids": active_ids[:1], **terms})["scores"][0]
    assert len(row["expected_margin"]) == 7
    assert row["clv"] == pytest.approx(sum(row["expected_margin"]), rel=1e-12)
    assert row["churn_12m"] > row["churn_6m"] == pytest.approx(1 - row["survival"][5])


def test_a_higher_discount_rate_shrinks_a_positive_clv(
    client: Caller, active_ids: list[str], batch_rows: dict[str, Row]
) -> None:
    name = max(active_ids, key=lambda name: batch_rows[name]["clv"])
    low, high = (
        scored(client, {"customer_ids": [name], "annual_discount_rate": rate})["scores"][0]["clv"]
        for rate in (0.05, 0.5)
    )
    assert 0 < high < low


def test_a_lost_customer_has_churn_one_and_no_value(
    client: Caller, batch_rows: dict[str, Row]
) -> None:
    lost = next(name for name, row in batch_rows.items() if row["status"] == "lost")
    row = scored(client, {"customer_ids": [lost]})["scores"][0]
    assert (row["churn_1m"], row["clv"], row["segment"]) == (1.0, 0.0, None)


def test_whatever_is_null_is_named_in_warnings(client: Caller, batch_rows: dict[str, Row]) -> None:
    rows = scored(client, {"customer_ids": list(batch_rows)[:50], "horizon_months": 3})["scores"]
    for row in rows:
        null = {name for name, value in row.items() if value is None}
        assert null <= {warning.split(" is null")[0] for warning in row["warnings"]}


def test_explained_contributions_add_up_to_clv_and_reasons_name_the_money(
    client: Caller, active_ids: list[str]
) -> None:
    rows = scored(client, {"customer_ids": active_ids[:3], "explain": True})["scores"]
    for row in rows:
        shares = row["explanation"]
        total = shares["baseline"] + sum(shares["contributions"].values())
        assert total == pytest.approx(row["clv"], abs=1e-6)
        assert 1 <= len(row["reasons"]) <= 3
        assert all(reason.endswith(" EUR") for reason in row["reasons"])
        assert not any(warning.startswith("reasons is null") for warning in row["warnings"])


def test_explaining_changes_nothing_else(client: Caller, active_ids: list[str]) -> None:
    plain, explained = (
        scored(client, {"customer_ids": active_ids[:2], "explain": explain})["scores"]
        for explain in (False, True)
    )
    for one, other in zip(plain, explained, strict=True):
        assert "explanation" not in one
        told = {"reasons", "warnings", "explanation"}
        assert {k: v for k, v in one.items() if k not in told} == {
            k: v for k, v in other.items() if k not in told
        }


def test_the_lost_are_not_explained(client: Caller, batch_rows: dict[str, Row]) -> None:
    lost = next(name for name, row in batch_rows.items() if row["status"] == "lost")
    row = scored(client, {"customer_ids": [lost], "explain": True})["scores"][0]
    assert row["reasons"] is None
    assert "explanation" not in row
    assert any(warning.startswith("reasons is null") for warning in row["warnings"])


def test_the_same_event_said_twice_counts_once(client: Caller) -> None:
    ticket = {"event_id": "t1", "kind": "support", "occurred_at": "2023-02-01"}
    once = scored(client, one_customer(ticket))
    assert scored(client, one_customer(ticket, ticket)) == once


def test_two_identical_events_without_ids_are_two_events(client: Caller) -> None:
    cost = {"kind": "cost", "occurred_at": "2023-02-01", "amount": 30.0}
    after = {"as_of": "2023-03-01"}
    once = scored(client, one_customer(cost) | after)["scores"][0]
    twice = scored(client, one_customer(cost, cost) | after)["scores"][0]
    assert twice["clv"] < once["clv"]


def test_events_after_as_of_change_nothing(client: Caller) -> None:
    left = {"kind": "cancel", "occurred_at": "2023-06-01"}
    at = {"as_of": "2023-06-01"}
    assert scored(client, one_customer(left) | at) == scored(client, one_customer() | at)


def test_attributes_given_inline_are_taken(client: Caller) -> None:
    body = one_customer(attributes={"region": "Vienna", "age_band": None})
    assert scored(client, body)["scores"][0]["status"] == "active"


def test_payback_needs_date_and_cost_of_acquisition(client: Caller) -> None:
    bare = scored(client, one_customer())["scores"][0]
    assert bare["payback_month"] is None
    paid = one_customer(acquired_at="2022-12-31", acquisition_cost=1.0) | {"as_of": "2023-06-01"}
    assert scored(client, paid)["scores"][0]["payback_month"] == 1


def test_a_thousand_customers_fit_in_one_call(client: Caller) -> None:
    customers = [{"customer_id": f"c{n}", "events": [SUBSCRIBED]} for n in range(1000)]
    rows = scored(client, {"customers": customers})["scores"]
    assert len({row["clv"] for row in rows}) == 1
    assert [row["customer_id"] for row in rows] == [f"c{n}" for n in range(1000)]
