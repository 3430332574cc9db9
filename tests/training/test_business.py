"""The economics of `[business]`: what is refused, and what follows from the contract."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.training.worlds import PLAIN, operator_business, shop_business
from training.business import Business


def test_a_shop_takes_payments_as_revenue_and_a_subscription_its_mrr() -> None:
    assert shop_business().revenue == "payments"
    assert operator_business().revenue == "mrr"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gross_margin": 1.2}, "less than or equal to 1"),
        ({"gross_margin": {"Basic": -0.1}}, "greater than or equal to 0"),
        ({"annual_discount_rate": -1.0}, "greater than -1"),
        ({"annual_discount_rate": float("nan")}, "finite"),
        ({"horizon_months": 0}, "greater than or equal to 1"),
        ({"cost_to_serve": {"per_month": -1.0}}, "greater than or equal to 0"),
        ({"cost_to_serve": {"suport": 1.0}}, "expected per_month, one of subscribe"),
        ({"cost_to_serve": {"suport:high": 1.0}}, "or kind:label"),
        ({"revenue": "payments", "extra_revenue": ["add-on"]}, "payments all count already"),
        ({"contract": "transactional", "revenue": "mrr"}, 'has revenue = "payments"'),
        ({"currency": "EURO"}, "ISO 4217"),
        ({"month": 0.5}, "from 1 to 366"),
        ({"churn_window_months": 2}, "Input should be 1, 3, 6 or 12"),
        ({"gros_margin": 0.5}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_was_expected(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Business.model_validate({"contract": "subscription"} | PLAIN | settings)


@pytest.mark.parametrize("window", [1, 3, 6, 12])
def test_a_shop_says_within_how_many_months_leaving_is_meant(window: int) -> None:
    assert shop_business(churn_window_months=window).risk_months == window
    assert operator_business(churn_window_months=window).risk_months == 3


def test_margins_come_back_in_the_order_of_labels() -> None:
    business = operator_business(gross_margin={"Basic": 0.5, "default": 0.2})

    assert business.margin_of(["Max", "Basic", None]) == [0.2, 0.5, 0.2]
    assert operator_business(gross_margin=0.3).margin_of(["Max", None]) == [0.3, 0.3]
