"""A shop's customers: no survival, and a lever split that still adds up."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.serving.api.calls import Caller, Row, answered, calling
from tests.serving.conftest import ingested, register

SETTINGS = """
[business]
contract = "transactional"
currency = "EUR"
annual_discount_rate = 0.1
gross_margin = 0.4
horizon_months = 12
observed_from = 2022-01-01T00:00:00Z
observed_until = 2024-01-01T00:00:00Z

[business.cost_to_serve]
per_month = 0.1

[[sources]]
name = "sales"
into = "events"
files = { sales = "sales.csv" }
select = "SELECT customer_id, 'payment' AS kind, day AS occurred_at, amount FROM sales"
"""
BOUGHT = {"kind": "payment", "amount": 30.0}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "keepworth.toml").write_text(SETTINGS, "utf-8")
    (folder / "sales.csv").write_text("\n".join(["customer_id,day,amount", *_sales()]), "utf-8")
    workspace = ingested(folder)
    register(workspace, "1")
    with calling(workspace) as caller:
        yield caller


def _sales() -> Iterator[str]:
    """Yield about eight purchases each of 150 customers over two years."""
    rng = np.random.default_rng(7)
    for number in range(150):
        days = np.sort(rng.choice(700, size=rng.integers(2, 15), replace=False))
        for day in np.datetime64("2022-01-01") + days:
            yield f"b{number},{day},{rng.lognormal(3, 0.4):.2f}"


def test_a_shop_has_neither_survival_nor_value_at_stake(shop: Caller) -> None:
    row = answered(shop, "/v1/score", {"customer_ids": ["b3"]})["scores"][0]
    null = {name for name, value in row.items() if value is None}
    assert {"survival", "value_at_stake"} <= null
    assert null <= {warning.split(" is null")[0] for warning in row["warnings"]}
    assert row["naive_trailing_rule"] >= 0
    assert "naive_value_x_months" not in row


def test_levers_of_a_shop_add_up(shop: Caller) -> None:
    body: Row = {"customer_id": "b5", "events": [BOUGHT, BOUGHT]}
    difference = answered(shop, "/v1/what-if", body)["difference"]
    # Which way it moves is left open: these sales come by lot, whatever was bought before.
    assert difference["churn_3m"] != 0
    assert difference["time"] + difference["value"] == pytest.approx(difference["clv"], rel=1e-9)
    assert difference["frequency"] is difference["basket"] is None


def test_the_model_of_a_shop_is_described(shop: Caller) -> None:
    assert shop.get("/v1/model").json()["contract"] == "transactional"
