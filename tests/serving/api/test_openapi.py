"""The OpenAPI document is what is served, what is committed, and what is true."""

import json
from pathlib import Path

import msgspec
import pytest

from serving.api.answers import CustomerAnswer, ModelAnswer, ScoreAnswer, WhatIfAnswer
from serving.api.openapi import OPERATIONS, openapi_document, openapi_json
from tests.serving.api.calls import Caller, Row, answered

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_the_committed_document_is_what_is_served(client: Caller) -> None:
    served = client.get("/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert served.content == COMMITTED.read_bytes() == openapi_json()


def test_every_described_route_exists_and_takes_the_method(client: Caller) -> None:
    for operation in OPERATIONS:
        if "{customer_id}" in operation.path:
            # What no id may be: an erasure would be done.
            odd = operation.path.format(customer_id="%00")
            refused = client.request(operation.method.upper(), odd)
            assert refused.json()["type"] == "/docs#unfit-request"
        elif "{name}" in operation.path:
            nothing = client.get(operation.path.format(name="nothing"))
            assert nothing.json()["type"] == "/docs#unknown-campaign"
        elif operation.path == "/v1/portfolio":
            assert client.get(operation.path).json()["type"] == "/docs#nothing-scored"
        elif operation.method == "get":
            assert client.get(operation.path).status_code == 200
        else:
            headers = {"content-type": operation.request_type}
            answer = client.request("POST", operation.path, content=b"", headers=headers)
            assert answer.status_code == 400


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()
    text = json.dumps(document)
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names == set(document["components"]["schemas"])


def test_operations_have_names_of_their_own() -> None:
    document = openapi_document()
    names = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert len(set(names)) == len(names)


def test_answers_have_exactly_the_fields_that_are_described(
    client: Caller, active_ids: list[str]
) -> None:
    schemas = openapi_document()["components"]["schemas"]
    body = {"customer_ids": active_ids[:1], "explain": True}
    row = answered(client, "/v1/score", body)["scores"][0]
    described = set(schemas["ScoreRow"]["properties"])
    shops_alone = {"naive_basket_x_frequency_x_lifetime", "naive_trailing_rule"}
    assert set(row) == described - shops_alone
    assert set(schemas["ScoreRow"]["required"]) <= set(row)


@pytest.mark.parametrize(
    ("path", "body", "described"),
    [
        ("/v1/score", {}, ScoreAnswer),
        ("/v1/what-if", {"events": [{"kind": "support"}]}, WhatIfAnswer),
    ],
)
def test_answers_are_of_the_described_type(
    client: Caller, active_ids: list[str], path: str, body: Row, described: type
) -> None:
    asked = {"customer_id": active_ids[0]} if body else {"customer_ids": active_ids[:50]}
    answer = client.post(path, json=asked | body)
    msgspec.json.decode(answer.content, type=described)
    msgspec.json.decode(client.get("/v1/model").content, type=ModelAnswer)
    customer = client.get(f"/v1/customers/{active_ids[0]}").content
    assert msgspec.json.decode(customer, type=CustomerAnswer).history.events > 0
