"""POST /v1/what-if: both scores, and a difference whose levers add up."""

import pytest

from features.contract import PLAN_KINDS
from serving.limits import MOST_SUPPOSED
from tests.serving.api.calls import SUBSCRIBED, Caller, InlineOf, Row, answered, problem

HALF_PRICE = {"kind": "plan_change", "amount": 5.0, "list_amount": 5.0, "label": "S"}


def asked(client: Caller, customer_id: str, *events: Row, **terms: object) -> Row:
    body = {"customer_id": customer_id, "events": list(events), **terms}
    return answered(client, "/v1/what-if", body)


def test_before_is_the_score_of_today(
    client: Caller, active_ids: list[str], batch_rows: dict[str, Row]
) -> None:
    answer = asked(client, active_ids[0], HALF_PRICE)
    assert answer["before"] == batch_rows[active_ids[0]]


def test_time_and_value_add_up_to_the_difference_of_clv(
    client: Caller, active_ids: list[str]
) -> None:
    for customer_id in active_ids[:20]:
        for rate in (0.0, 0.1, 0.7):
            answer = asked(client, customer_id, HALF_PRICE, annual_discount_rate=rate)
            difference, before, after = (answer[key] for key in ("difference", "before", "after"))
            assert difference["clv"] == after["clv"] - before["clv"]
            scale = abs(before["clv"]) + abs(after["clv"])
            levers = difference["time"] + difference["value"]
            assert levers == pytest.approx(difference["clv"], rel=1e-9, abs=1e-12 * scale)


def test_a_cheaper_plan_lowers_value_within_the_same_request(
    client: Caller, active_ids: list[str], batch_rows: dict[str, Row]
) -> None:
    richest = max(active_ids, key=lambda name: batch_rows[name]["clv"])
    answer = asked(client, richest, HALF_PRICE)
    assert answer["after"]["clv"] < answer["before"]["clv"]
    assert answer["difference"]["value"] < 0


def test_a_dearer_plan_raises_value(client: Caller, active_ids: list[str]) -> None:
    upgrade = {"kind": "plan_change", "amount": 90.0, "list_amount": 90.0, "label": "XL"}
    assert asked(client, active_ids[0], upgrade)["difference"]["value"] > 0


def test_a_cancellation_at_once_ends_all_value(client: Caller, active_ids: list[str]) -> None:
    answer = asked(client, active_ids[0], {"kind": "cancel", "label": "voluntary"})
    assert answer["after"]["status"] == "lost"
    assert answer["after"]["clv"] == 0
    assert answer["difference"]["churn_3m"] == 1 - answer["before"]["churn_3m"]


def test_hypothetical_events_of_one_moment_happen_in_the_order_given(
    client: Caller, active_ids: list[str]
) -> None:
    dear = HALF_PRICE | {"amount": 90.0, "list_amount": 90.0}
    dear_last = asked(client, active_ids[0], HALF_PRICE, dear)["after"]["expected_margin"]
    cheap_last = asked(client, active_ids[0], dear, HALF_PRICE)["after"]["expected_margin"]
    assert dear_last[0] > 5 * cheap_last[0]


def test_hypothetical_events_come_after_all_that_happened(client: Caller) -> None:
    last = {"kind": "cancel_withdrawn", "occurred_at": "2023-04-01", "event_id": "zzz"}
    customer = {"customer_id": "new", "events": [SUBSCRIBED, last]}
    body = {"customer": customer, "events": [{"kind": "cancel"}]}
    assert answered(client, "/v1/what-if", body)["after"]["status"] == "lost"


def test_inline_and_by_id_agree(
    client: Caller, active_ids: list[str], inline: InlineOf, batch_rows: dict[str, Row]
) -> None:
    customer_id = active_ids[3]
    terms = {"as_of": batch_rows[customer_id]["as_of"], "events": [HALF_PRICE]}
    body = {"customer": inline(customer_id)} | terms
    assert answered(client, "/v1/what-if", body) == asked(client, customer_id, HALF_PRICE)


def test_signal_groups_add_up_to_the_difference_and_a_cheaper_plan_is_the_plans_doing(
    client: Caller, active_ids: list[str]
) -> None:
    answer = asked(client, active_ids[0], HALF_PRICE)
    groups = answer["by_signal_group"]
    assert sum(groups.values()) == pytest.approx(answer["difference"]["clv"], abs=1e-6)
    assert groups["plan"] < 0
    assert max(groups, key=lambda name: abs(groups[name])) == "plan"
    assert groups["support"] == 0


def test_what_cannot_be_told_yet_is_null_and_named(client: Caller, active_ids: list[str]) -> None:
    answer = asked(client, active_ids[0], {"kind": "cancel", "label": "voluntary"})
    assert answer["by_signal_group"] is None
    named = {warning.split(" is null")[0] for warning in answer["warnings"]}
    assert named == {"by_signal_group", "frequency", "basket"}
    assert answer["note"] == "A forecast given the events, not the effect of causing them."


def test_an_event_at_as_of_or_later_is_refused_with_the_way_out(
    client: Caller, active_ids: list[str]
) -> None:
    late = HALF_PRICE | {"occurred_at": "2024-01-01"}
    body = {"customer_id": active_ids[0], "events": [late]}
    details = problem(client.post("/v1/what-if", json=body), 422)
    assert details["errors"] == [
        {
            "key": "events[0].occurred_at",
            "value": "2024-01-01",
            "expected": "expected a time before as_of 2024-01-01T00:00:00Z; "
            "effective_at may lie later",
        }
    ]


def test_a_booked_change_takes_effect_later(client: Caller, active_ids: list[str]) -> None:
    booked = HALF_PRICE | {"effective_at": "2024-07-01"}
    now, later = (asked(client, active_ids[0], event) for event in (HALF_PRICE, booked))
    assert later["after"]["expected_margin"][0] > now["after"]["expected_margin"][0]


@pytest.mark.parametrize(
    "subject", [{}, {"customer_id": "x", "customer": {"customer_id": "x", "events": []}}]
)
def test_exactly_one_customer_is_asked_about(client: Caller, subject: Row) -> None:
    problem(client.post("/v1/what-if", json=subject | {"events": [HALF_PRICE]}), 422)


def test_at_least_one_event_is_asked_for(client: Caller, active_ids: list[str]) -> None:
    problem(client.post("/v1/what-if", json={"customer_id": active_ids[0], "events": []}), 422)


def test_an_unknown_customer_is_not_found(client: Caller) -> None:
    body = {"customer_id": "nobody", "events": [HALF_PRICE]}
    details = problem(client.post("/v1/what-if", json=body), 404)
    assert [error["value"] for error in details["errors"]] == ["nobody"]


def plan_now(inline: InlineOf, customer_id: str) -> Row:
    """Return the plan that a customer is on, as an event that changes nothing."""
    events = [e for e in inline(customer_id)["events"] if e["kind"] in PLAN_KINDS]
    latest = max(events, key=lambda event: event["occurred_at"])
    fields = ("subscription_id", "label", "amount", "list_amount", "term_months")
    return {"kind": "plan_change"} | {name: latest[name] for name in fields if name in latest}


@pytest.fixture(scope="module")
def without_term(active_ids: list[str], inline: InlineOf) -> str:
    """Return a customer with one subscription, from month to month, and no notice given."""
    kinds = {"plan_change", "cancel", "renew"}
    return next(
        name
        for name in active_ids
        if "term_months" not in plan_now(inline, name)
        and not kinds & {event["kind"] for event in inline(name)["events"]}
    )


def test_a_change_to_the_same_plan_at_the_same_price_moves_nothing(
    client: Caller, inline: InlineOf, without_term: str
) -> None:
    answer = asked(client, without_term, plan_now(inline, without_term))

    assert answer["after"] == answer["before"]
    assert set(answer["by_signal_group"].values()) == {0.0}
    assert "events[0] left out: plan, price, term and end stay as they are" in answer["warnings"]


def test_withdrawing_a_notice_that_nobody_gave_moves_nothing(
    client: Caller, without_term: str
) -> None:
    answer = asked(client, without_term, {"kind": "cancel_withdrawn"})

    assert answer["difference"]["clv"] == 0
    assert answer["warnings"][0].startswith("events[0] left out")


def test_what_changes_something_is_not_left_out_beside_what_does_not(
    client: Caller, inline: InlineOf, without_term: str
) -> None:
    same = plan_now(inline, without_term)
    cheaper = same | {"amount": same["amount"] / 2}

    answer = asked(client, without_term, same, cheaper)

    assert answer["difference"]["value"] < 0
    assert not any("left out" in warning for warning in answer["warnings"])


def test_another_event_beside_a_change_that_is_none_still_counts(
    client: Caller, inline: InlineOf, without_term: str
) -> None:
    complaint = {"kind": "support", "label": "high"}

    alone = asked(client, without_term, complaint)
    beside = asked(client, without_term, plan_now(inline, without_term), complaint)

    assert alone["difference"]["clv"] != 0
    assert beside["after"] == alone["after"]


def test_a_plan_that_nobody_had_is_named_beside_those_known(
    client: Caller, inline: InlineOf, without_term: str
) -> None:
    misspelt = plan_now(inline, without_term) | {"label": "Smrat", "amount": 12.0}

    warnings = asked(client, without_term, misspelt)["warnings"]

    assert warnings[0] == (
        'events[0].label is "Smrat", no plan that this model version knows: the forecast goes by '
        "its price alone; known are Basic, Max, Plus, Smart"
    )
    known = asked(client, without_term, misspelt | {"label": "Basic"})["warnings"]
    assert not any("no plan that" in warning for warning in known)


def test_a_pause_without_an_end_is_warned_of_and_one_with_an_end_is_not(
    client: Caller, inline: InlineOf, without_term: str
) -> None:
    now = plan_now(inline, without_term)
    pause = now | {"amount": 0.0, "list_amount": 0.0}
    resumed = now | {"effective_at": "2024-03-01"}

    endless, ended = (asked(client, without_term, *told) for told in ([pause], [pause, resumed]))

    said = "events[0] pauses the plan without an end"
    assert any(warning.startswith(said) for warning in endless["warnings"])
    assert not any(warning.startswith(said) for warning in ended["warnings"])
    assert endless["difference"]["clv"] < ended["difference"]["clv"] < 0


def test_a_change_without_a_term_says_that_it_ends_the_one_that_runs(
    client: Caller, active_ids: list[str], inline: InlineOf
) -> None:
    bound = next(name for name in active_ids if plan_now(inline, name).get("term_months") == 12)
    same = {name: value for name, value in plan_now(inline, bound).items() if name != "term_months"}

    assert any(
        warning.startswith("events[0] has no term_months: the term of 12 months ends with it")
        for warning in asked(client, bound, same)["warnings"]
    )


def test_more_hypothetical_events_than_a_call_may_have_are_refused(
    client: Caller, active_ids: list[str]
) -> None:
    body = {"customer_id": active_ids[0], "events": [{"kind": "support"}] * (MOST_SUPPOSED + 1)}
    [error] = problem(client.post("/v1/what-if", json=body), 422)["errors"]
    assert (error["key"], error["expected"]) == ("events", "expected a list of length <= 100")


def test_only_a_pause_that_nothing_ends_is_remarked_on(
    client: Caller, active_ids: list[str]
) -> None:
    pause = {"kind": "plan_change", "amount": 0.0, "label": "S", "occurred_at": "2023-01-01"}
    warnings = asked(client, active_ids[0], *[pause] * 3, {"kind": "support"})["warnings"]
    assert [said[:9] for said in warnings if "pauses the plan" in said] == ["events[2]"]
