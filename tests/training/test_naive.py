"""The formulas people use, by hand."""

from dataclasses import replace

import pytest

from features.kernel import Moment
from features.references import NO_REFERENCES
from tests.features.histories import history_of
from tests.training.worlds import Trained, at, block_about, operator_business, shop_business
from training.business import Business
from training.naive import as_used, for_backtest
from training.shop import ShopModel
from training.subscription import SubscriptionModel

SUBSCRIBED = history_of(
    ("ann", "subscribe", "2023-01-01", {"amount": 20.0}),
    ("bob", "subscribe", "2023-01-01", {"amount": 20.0}),
    ("bob", "cancel", "2023-03-01"),
)
BOUGHT = history_of(
    ("ann", "payment", "2023-01-01", {"amount": 30.0}),
    ("ann", "payment", "2023-04-01", {"amount": 10.0}),
    ("bob", "payment", "2023-01-01", {"amount": 12.0}),
    ("cem", "usage", "2023-01-01", {"amount": 1.0}),
)
LEAKING = operator_business(gross_margin=0.5, horizon_months=10, cost_to_serve={"per_month": 2.0})
SHOP = shop_business(gross_margin=0.5, horizon_months=24)


def _moment(business: Business) -> Moment:
    block = block_about(SUBSCRIBED if business.contract == "subscription" else BOUGHT)
    return Moment(block.history, block.profiles, at("2023-05-02"), business, NO_REFERENCES)


@pytest.fixture
def leaking(operator: Trained) -> SubscriptionModel:
    """A subscription model of a portfolio that loses a tenth a month."""
    assert isinstance(operator.bundle.model, SubscriptionModel)
    return replace(operator.bundle.model, monthly_churn=0.1)


@pytest.fixture
def quiet(shop: Trained) -> ShopModel:
    """A shop of whose buyers 60%, then 40%, do not come."""
    model = shop.bundle.model
    assert isinstance(model, ShopModel)
    return replace(model, silent_share=(0.6, 0.4), margin=replace(model.margin, margin_share=0.5))


def test_subscription_formulas_as_people_use_them(leaking: SubscriptionModel) -> None:
    answers = as_used(_moment(LEAKING), leaking, LEAKING, LEAKING.horizon_months)

    assert answers["naive_value_x_months"].tolist() == [200.0, 0.0]
    # Margin 20 x .5 - 2 = 8 over a churn of .1.
    assert answers["naive_margin_over_churn"].tolist() == pytest.approx([80.0, 0.0])


def test_formulas_price_the_plan_also_where_payments_are_the_revenue(
    leaking: SubscriptionModel,
) -> None:
    paid = LEAKING.model_copy(update={"revenue": "payments"})

    answers = for_backtest(_moment(paid), leaking, paid, months=3)

    assert answers["naive_value_x_months"].value.tolist() == [24.0, 0.0]


def test_subscription_formulas_on_equal_horizon_and_margin(leaking: SubscriptionModel) -> None:
    answers = for_backtest(_moment(LEAKING), leaking, LEAKING, months=3)

    assert answers["naive_value_x_months"].value.tolist() == [24.0, 0.0]
    over_churn = answers["naive_margin_over_churn"]
    assert over_churn.value[0] == pytest.approx(8 * (1 + 0.9 + 0.81))
    assert over_churn.churn.tolist() == pytest.approx([1 - 0.9**3] * 2)


def test_shop_formulas_as_people_use_them(quiet: ShopModel) -> None:
    answers = as_used(_moment(SHOP), quiet, SHOP, SHOP.horizon_months)

    # Two baskets of 20 in 121 days; 24 months ahead.
    months = 121 / (365.25 / 12)
    lifetime = answers["naive_basket_x_frequency_x_lifetime"]
    assert lifetime.tolist() == pytest.approx([20 * 2 / months * 24, 12 / months * 24, 0.0])
    assert answers["naive_trailing_rule"].tolist() == [80.0, 24.0, 0.0]


def test_a_trailing_rule_says_silent_whoever_was_silent(quiet: ShopModel) -> None:
    answer = for_backtest(_moment(SHOP), quiet, SHOP, months=2)["naive_trailing_rule"]

    # The last 61 days hold ann's second basket alone: half of it is margin.
    assert answer.value.tolist() == [5.0, 0.0, 0.0]
    assert answer.churn.tolist() == pytest.approx([0.2, 0.7, 0.7])
