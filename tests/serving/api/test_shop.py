"""A shop's customers: no survival, and a lever split that still adds up."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from features.instants import instant_of
from tests.serving.api.calls import Caller, Row, answered, calling
from tests.serving.conftest import ingested, register
from tests.shop import write_shop

BOUGHT = {"kind": "payment", "amount": 30.0}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder, np.random.default_rng(3))
    workspace = ingested(folder)
    register(workspace, "1")
    with calling(workspace, lambda: instant_of(datetime(2023, 12, 20, tzinfo=UTC))) as caller:
        yield caller


def test_a_shop_has_neither_survival_nor_value_at_stake(shop: Caller) -> None:
    row = answered(shop, "/v1/score", {"customer_ids": ["c003"]})["scores"][0]
    null = {name for name, value in row.items() if value is None}
    assert {"survival", "value_at_stake"} <= null
    assert null <= {warning.split(" is null")[0] for warning in row["warnings"]}
    assert row["naive_trailing_rule"] >= 0
    assert "naive_value_x_months" not in row


def test_levers_of_a_shop_add_up_and_whoever_seemed_gone_is_back_with_a_purchase(
    shop: Caller,
) -> None:
    ids = [f"c{number:03d}" for number in range(100)]
    scores = answered(shop, "/v1/score", {"customer_ids": ids})["scores"]
    gone = [row["customer_id"] for row in scores if row["churn_3m"] > 0.9]
    assert len(gone) > 10
    for customer_id in gone[:10]:
        body: Row = {"customer_id": customer_id, "events": [BOUGHT, BOUGHT]}
        difference = answered(shop, "/v1/what-if", body)["difference"]
        assert difference["churn_3m"] < 0
        levers = difference["time"] + difference["value"]
        assert levers == pytest.approx(difference["clv"], rel=1e-9)
        assert difference["frequency"] is difference["basket"] is None


def test_the_model_of_a_shop_is_described(shop: Caller) -> None:
    assert shop.get("/v1/model").json()["contract"] == "transactional"


@pytest.mark.parametrize(("day", "months"), [("2023-10-23", 2), ("2023-10-24", 1)])
def test_tenure_in_a_shop_counts_from_the_first_payment(
    shop: Caller, day: str, months: int
) -> None:
    bought = {"specversion": "1.0", "source": "/tests", "type": "keepworth.payment"}
    bought |= {"subject": f"since {day}", "data": {"amount": 30.0}}
    answer = shop.record(
        bought | {"id": f"{day}-1", "time": f"{day}T00:00:00Z"},
        bought | {"id": f"{day}-2", "time": "2023-12-01T00:00:00Z"},
    )
    assert answer["accepted"] == 2
    history = shop.get(f"/v1/customers/since {day}").json()["history"]
    assert (history["tenure_months"], history["open_subscriptions"]) == (months, [])
