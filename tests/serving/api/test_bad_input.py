"""Bad input gets a problem that names value and expectation; never 200, never 500."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.limits import DEFAULT_LIMITS, LONGEST_NAME
from tests.serving.api.calls import (
    JSON,
    SUBSCRIBED,
    Caller,
    Row,
    happened,
    one_customer,
    problem,
)

ROUTES = ["/v1/score", "/v1/what-if"]
DEEP = b"[" * 200_000
LAST_INSTANT = "2199-12-31T23:59:59.999999Z"
THOUSANDS = ["customer"] * 1001


def refused(client: Caller, body: Row, status: int = 422) -> Row:
    return problem(client.post("/v1/score", json=body), status)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"not json",
        b'{"customer_ids": ["a"]} and more',
        b'{"horizon_months": NaN}',
        b'{"annual_discount_rate": Infinity}',
        b'{"customer_ids": ["\\ud800"]}',
        b'{"customer_ids": ["\xff"]}',
        b'{"customer_ids": ["a\x00b"]}',
        b"\xef\xbb\xbf{}",
        DEEP,
    ],
)
def test_what_is_no_json_is_refused(client: Caller, route: str, content: bytes) -> None:
    answer = client.send(route, content)
    assert answer.status_code in (400, 422), answer.text
    problem(answer, answer.status_code)


@pytest.mark.parametrize("content", [b"{", b"", b'{"as_of": NaN}', b"\xff"])
def test_malformed_json_is_400(client: Caller, content: bytes) -> None:
    assert problem(client.send("/v1/score", content), 400)["type"] == "/docs#malformed-json"


@pytest.mark.parametrize("content", [b"null", b"[]", b"1", b'"text"', b"{}", b'{"x":' + DEEP])
def test_json_of_another_shape_is_never_answered(client: Caller, content: bytes) -> None:
    answer = client.send("/v1/score", content)
    problem(answer, answer.status_code)
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [
        ({"customer_ids": "a"}, "customer_ids", "expected a list"),
        ({"customer_ids": [1]}, "customer_ids[0]", "expected text"),
        ({"customer_ids": []}, "customer_ids", "expected a list of length >= 1"),
        ({"customer_ids": THOUSANDS}, "customer_ids", "expected a list of length <= 1000"),
        ({"customer_ids": ["a"], "horizon_months": 0}, "horizon_months", ">= 1"),
        ({"customer_ids": ["a"], "horizon_months": 241}, "horizon_months", "<= 240"),
        ({"customer_ids": ["a"], "horizon_months": "12"}, "horizon_months", "a whole number"),
        ({"customer_ids": ["a"], "horizon_months": 1.5}, "horizon_months", "a whole number"),
        ({"customer_ids": ["a"], "annual_discount_rate": -1}, "annual_discount_rate", "> -1"),
        ({"customer_ids": ["a"], "annual_discount_rate": 10.1}, "annual_discount_rate", "<= 10"),
        ({"customer_ids": ["a"], "annual_discount_rate": "0.1"}, "annual_discount_rate", "number"),
        ({"customer_ids": ["a"], "explain": "yes"}, "explain", "true or false"),
        ({"customer_ids": ["a"], "horizon": 3}, "horizon", "no such field; expected one of as_of"),
        ({"customers": [{"customer_id": "a"}]}, "customers[0].events", "give it"),
        (
            {"customers": [{"customer_id": "a", "events": [], "age": 3}]},
            "customers[0].age",
            "no such field; expected one of customer_id, events, acquired_at",
        ),
        (one_customer({"kind": "support", "ocurred_at": "x"}), "customers[0].events[1]", ""),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(
    client: Caller, body: Row, key: str, expected: str
) -> None:
    (error,) = refused(client, body)["errors"]
    assert error["key"].startswith(key)
    assert expected in error["expected"]
    assert error["value"]


def test_a_wrong_value_is_shown_as_it_came(client: Caller) -> None:
    (error,) = refused(client, {"customer_ids": ["a"], "horizon_months": "a year"})["errors"]
    assert error["value"] == '"a year"'


def test_a_number_beyond_range_is_refused(client: Caller) -> None:
    event = b'{"kind": "payment", "occurred_at": "2023-01-01", "amount": 1e999}'
    body = b'{"customers": [{"customer_id": "a", "events": [' + event + b"]}]}"
    (error,) = problem(client.send("/v1/score", body), 422)["errors"]
    assert error["key"] == "customers[0].events[0].amount"


def test_half_a_character_in_an_unknown_field_is_no_fault_of_ours(client: Caller) -> None:
    problem(client.send("/v1/score", b'{"foo": "\\ud800"}'), 422)


EVENT = {"kind": "support", "occurred_at": "2023-02-01"}


@pytest.mark.parametrize(
    ("wrong", "column", "value", "expected"),
    [
        ({"kind": "suport"}, "kind", "'suport'", "did you mean support?"),
        ({"kind": ""}, "kind", "missing", "give a value"),
        ({"kind": "payment"}, "amount", "missing", "give a value"),
        ({"kind": "payment", "amount": -1}, "amount", "-1.0", "from 0 to 1e+12"),
        ({"kind": "payment", "amount": 1e300}, "amount", "1e+300", "from 0 to 1e+12"),
        ({"kind": "usage", "amount": 1e13}, "amount", "10000000000000.0", "[features.usage_scale]"),
        ({"kind": "cancel", "label": "bored"}, "label", "'bored'", "voluntary"),
        ({"kind": "referral_joined"}, "label", "missing", "give a value"),
        ({"label": "a\0b"}, "label", "'a\\0b'", "NUL"),
        ({"occurred_at": "2023-02-01T10:00:00"}, "occurred_at", "T10:00:00", "no time zone"),
        ({"occurred_at": "yesterday"}, "occurred_at", '"yesterday"', "2024-01-31T12:00:00Z"),
        ({"occurred_at": "2023-02-30"}, "occurred_at", '"2023-02-30"', "a time with zone"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at", "0001", "1900 to 2199"),
        ({"effective_at": "9999-12-31T23:59:59-14:00"}, "effective_at", "9999", "1900 to 2199"),
        ({"recorded_at": "1066-10-14"}, "recorded_at", '"1066-10-14"', "1900 to 2199"),
    ],
)
def test_an_event_that_breaks_the_contract_is_named_by_its_place(
    client: Caller, wrong: Row, column: str, value: str, expected: str
) -> None:
    (error,) = refused(client, one_customer(EVENT | wrong))["errors"]
    assert error["key"] == f"customers[0].events[1].{column}"
    assert value in error["value"]
    assert expected in error["expected"]


def test_all_faulty_events_are_named_at_once(client: Caller) -> None:
    body = one_customer({"kind": "payment", "occurred_at": "2023-02-01"}, EVENT | {"kind": "x"})
    keys = [error["key"] for error in refused(client, body)["errors"]]
    assert keys == ["customers[0].events[1].amount", "customers[0].events[2].kind"]


def test_an_event_id_used_for_two_contents_is_refused(client: Caller) -> None:
    first, other = EVENT | {"event_id": "e"}, EVENT | {"event_id": "e", "label": "high"}
    (error,) = refused(client, one_customer(first, other))["errors"]
    assert (error["key"], error["value"]) == ("customers[0].events[2].event_id", '"e"')


def test_the_largest_amounts_that_are_taken_can_be_scored(client: Caller) -> None:
    huge = [
        {"kind": "usage", "occurred_at": f"2023-02-{day:02}", "amount": 9e12}
        for day in range(1, 29)
    ]

    answer = client.post("/v1/score", json=one_customer(*huge))

    assert answer.status_code == 200, answer.text
    assert answer.json()["scores"][0]["clv"] is not None


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"shoe_size": 42}, "no such attribute; expected one of age_band, region"),
        ({"region": 1}, "expected text"),
    ],
)
def test_attributes_must_be_those_of_the_model(
    client: Caller, attributes: Row, expected: str
) -> None:
    (error,) = refused(client, one_customer(attributes=attributes))["errors"]
    assert expected in error["expected"]


def test_an_acquisition_cost_is_not_negative(client: Caller) -> None:
    (error,) = refused(client, one_customer(acquisition_cost=-1))["errors"]
    assert error["key"] == "customers[0].acquisition_cost"


@pytest.mark.parametrize("as_of", ["soon", "2023-01-01T00:00:00", "1066-10-14", "2023-13-01", ""])
def test_as_of_must_be_an_instant_with_zone(client: Caller, as_of: str) -> None:
    (error,) = refused(client, one_customer() | {"as_of": as_of})["errors"]
    assert error["key"] == "as_of"


def test_a_rate_that_makes_later_money_endless_is_refused(client: Caller) -> None:
    terms = {"annual_discount_rate": -0.9999999999, "horizon_months": 240}
    (error,) = refused(client, one_customer() | terms)["errors"]
    assert error["key"] == "annual_discount_rate"


def test_unknown_customers_are_all_named_and_none_is_scored(
    client: Caller, active_ids: list[str]
) -> None:
    details = refused(client, {"customer_ids": ["ghost", active_ids[0], "\x01"]}, 404)
    assert [error["value"] for error in details["errors"]] == ["ghost", "\x01"]
    assert "scores" not in details


def test_customers_of_whom_nothing_was_known_are_all_named(
    client: Caller, active_ids: list[str]
) -> None:
    body = {"customer_ids": active_ids[:2], "as_of": "1999-01-01"}
    details = refused(client, body)
    assert details["type"] == "/docs#nothing-visible"
    assert [error["value"] for error in details["errors"]] == active_ids[:2]


def test_a_customer_without_events_has_nothing_visible(client: Caller) -> None:
    details = refused(client, {"customers": [{"customer_id": "empty", "events": []}]})
    assert details["type"] == "/docs#nothing-visible"


@pytest.mark.parametrize(
    "body",
    [
        {"customer_ids": ["a"], "customers": [{"customer_id": "a", "events": [SUBSCRIBED]}]},
        {"as_of": "2023-01-01"},
        {"customer_ids": ["a", "b", "a"]},
        {"customers": [{"customer_id": "a", "events": [SUBSCRIBED]}] * 2},
        {"customer_ids": [f"c{n}" for n in range(21)], "explain": True},
        {"customer_ids": None},
    ],
)
def test_a_request_that_contradicts_itself_is_refused(client: Caller, body: Row) -> None:
    assert refused(client, body)["errors"]


def test_too_many_events_are_refused(client: Caller) -> None:
    event = {"kind": "support", "occurred_at": "2023-02-01"}
    half = {"events": [event] * (DEFAULT_LIMITS.events // 2 + 1)}
    customers = [{"customer_id": name, **half} for name in ("a", "b")]
    content = json.dumps({"customers": customers}, separators=(",", ":")).encode()
    assert len(content) < DEFAULT_LIMITS.body_bytes
    (error,) = problem(client.send("/v1/score", content), 422)["errors"]
    assert error["value"] == "200,002"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": ""},
        JSON | {"content-encoding": "gzip"},
    ],
)
def test_another_content_type_is_415(client: Caller, headers: dict[str, str]) -> None:
    problem(client.post("/v1/score", content=b"{}", headers=headers), 415)


def test_utf_8_may_be_said(client: Caller) -> None:
    headers = {"content-type": 'Application/JSON; charset="UTF-8"'}
    content = json.dumps(one_customer()).encode()
    assert client.post("/v1/score", content=content, headers=headers).status_code == 200


def test_a_body_beyond_the_limit_is_413(client: Caller) -> None:
    details = problem(client.send("/v1/score", b" " * (DEFAULT_LIMITS.body_bytes + 1)), 413)
    assert "10,000,000 bytes" in details["detail"]


@pytest.mark.parametrize("path", ["/v1/scores", "/v1/score/", "/v1", "/favicon.ico", "/v1/%00"])
def test_an_unknown_route_is_404(client: Caller, path: str) -> None:
    problem(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/score", {"POST"}),
        ("PUT", "/v1/what-if", {"POST"}),
        ("POST", "/v1/model", {"GET", "HEAD"}),
        ("DELETE", "/metrics", {"GET", "HEAD"}),
        ("OPTIONS", "/", {"GET", "HEAD"}),
        ("BREW", "/readyz", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_405_and_says_which_are_allowed(
    client: Caller, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.request(method, path)
    problem(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_a_text_of_an_event_has_a_length(client: Caller) -> None:
    long = "x" * (LONGEST_NAME + 1)
    for field in ("label", "subscription_id", "basket_id", "event_id"):
        (error,) = refused(client, one_customer(EVENT | {field: long}))["errors"]
        assert error["key"] == f"customers[0].events[1].{field}"
    for field in ("label", "subscription_id", "basket_id"):
        answer = client.record(happened("somebody", "support", 0, **{field: long}))
        assert answer["results"][0]["errors"][0]["key"] == f"data.{field}"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ["customer_ids", "customers", "as_of", "horizon_months", "events", "explain", "kind"]
bodies = values | st.dictionaries(st.sampled_from(FIELDS), values)
hypothetically = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("route", ROUTES)
@hypothetically
@given(body=bodies)
def test_made_up_json_is_refused_as_a_problem(client: Caller, route: str, body: Any) -> None:
    answer = client.send(route, json.dumps(body).encode())
    assert answer.status_code in (400, 404, 422)
    problem(answer, answer.status_code)


@hypothetically
@given(
    event=st.fixed_dictionaries(
        {"kind": st.sampled_from(["payment", "usage", "subscribe", "cancel", "review"])},
        optional={
            "occurred_at": st.sampled_from(
                ["2023-02-01", "2199-12-31T23:59:59.999999Z", "1900-01-01"]
            ),
            "amount": st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**9),
            "label": st.text(max_size=8),
            "effective_at": st.sampled_from(["1900-01-01", "2199-01-01", "2023-03-01"]),
            "term_months": st.integers(-1, 1201) | st.just(10**400),
            "subscription_id": st.text(max_size=4),
        },
    ),
    horizon_months=st.sampled_from([1, 36, 240]),
)
def test_strange_events_are_answered_or_refused_but_never_our_fault(
    client: Caller, event: Row, horizon_months: int
) -> None:
    body = one_customer(event) | {"horizon_months": horizon_months}
    answer = client.send("/v1/score", json.dumps(body).encode())
    assert answer.status_code in (200, 400, 422), answer.text
