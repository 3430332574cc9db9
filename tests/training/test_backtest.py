"""Backtests: predictions beside what came, from which every metric can be recomputed."""

import numpy as np
import pandas as pd
import pytest

from features.blocks import blocks
from features.instants import datetime_of
from features.months import month_edges
from tests.training.worlds import Trained, at
from training.backtest import PREDICTION_COLUMNS, backtest_at, metrics_of
from training.backtest_plan import plan_backtest
from training.exit_kind_backtest import exit_kind_metrics
from training.known import known_at
from training.scoring import score

SHOP_CUTOFF, OPERATOR_CUTOFF = at("2022-09-01"), at("2023-01-01")


def _backtest(world: Trained, cutoff: int) -> pd.DataFrame:
    plan = plan_backtest(world.log, world.business, [cutoff], [1, 3])
    known = known_at(world.log, world.business, list(world.bundle.vocabulary.levels), cutoff)
    return backtest_at(known, plan).predictions


@pytest.fixture(scope="module")
def of_shop(shop: Trained) -> pd.DataFrame:
    return _backtest(shop, SHOP_CUTOFF)


@pytest.fixture(scope="module")
def of_operator(operator: Trained) -> pd.DataFrame:
    return _backtest(operator, OPERATOR_CUTOFF)


def _payments(shop: Trained) -> pd.DataFrame:
    parts = [shop.log.read_events(bucket).to_pandas() for bucket in range(shop.log.n_buckets)]
    return pd.concat(parts)[["customer_id", "occurred_at", "amount"]]


def test_predictions_have_the_columns_of_the_contract(of_shop: pd.DataFrame) -> None:
    assert tuple(of_shop.columns) == PREDICTION_COLUMNS
    models = {"keepworth", "naive_basket_x_frequency_x_lifetime", "naive_trailing_rule"}
    assert set(of_shop["model"]) == models
    assert not of_shop.duplicated(["cutoff", "months", "model", "customer_id"]).any()


def test_the_population_of_a_shop_are_those_who_had_bought(
    shop: Trained, of_shop: pd.DataFrame
) -> None:
    payments = _payments(shop)
    before = payments[payments["occurred_at"] < datetime_of(SHOP_CUTOFF)]

    for _, group in of_shop.groupby(["months", "model"]):
        assert sorted(group["customer_id"]) == sorted(before["customer_id"].unique())


def test_outcomes_of_a_shop_are_what_was_paid_after(shop: Trained, of_shop: pd.DataFrame) -> None:
    payments = _payments(shop)
    own = of_shop[of_shop["model"] == "keepworth"]
    for months in (1, 3):
        group = own[own["months"] == months]
        end = datetime_of(int(month_edges(SHOP_CUTOFF, months, "calendar")[-1]))
        inside = (payments["occurred_at"] >= datetime_of(SHOP_CUTOFF)) & (
            payments["occurred_at"] < end
        )
        paid = payments[inside].groupby("customer_id")["amount"].sum()
        actual = group.set_index("customer_id")
        expected = paid.reindex(actual.index, fill_value=0.0)
        # Gross margin .4, idle cost .1 a month.
        np.testing.assert_allclose(actual["value_actual"], 0.4 * expected - 0.1 * months, atol=1e-9)
        assert (actual["churned"] == (expected == 0)).all()


def test_the_population_of_an_operator_is_whoever_was_open(
    operator: Trained, of_operator: pd.DataFrame
) -> None:
    own = of_operator[(of_operator["model"] == "keepworth") & (of_operator["months"] == 3)]
    attributes = list(operator.bundle.vocabulary.levels)
    there: set[str] = set()
    for block in blocks(operator.log, operator.business, attributes):
        scores = score(operator.bundle, block, OPERATOR_CUTOFF)
        there |= set(scores.customer_ids[scores.forecast.is_customer])
    assert set(own["customer_id"]) == there


def test_a_longer_window_sees_every_exit_of_a_shorter_one(of_operator: pd.DataFrame) -> None:
    own = of_operator[of_operator["model"] == "keepworth"]
    churned = own.pivot_table(
        index="customer_id", columns="months", values="churned", aggfunc="max"
    )
    predicted = own.pivot_table(index="customer_id", columns="months", values="churn_probability")

    assert (churned[1] <= churned[3]).all()
    assert (predicted[1] <= predicted[3]).all()


def test_what_was_said_of_kinds_of_exit_is_held_against_labelled_exits(operator: Trained) -> None:
    months = plan_backtest(operator.log, operator.business, [OPERATOR_CUTOFF], [1, 3])
    attributes = list(operator.bundle.vocabulary.levels)
    known = known_at(operator.log, operator.business, attributes, OPERATOR_CUTOFF)
    done = backtest_at(known, months)

    own, base = exit_kind_metrics(done.exit_kinds)

    assert (own["model"], base["model"]) == ("keepworth", "naive_base_shares")
    of_product = done.predictions[done.predictions["model"] == "keepworth"]
    churned = of_product[of_product["months"] == 3]["churned"].sum()
    # The operator labels every exit.
    assert own["n_outcomes"] == base["n_outcomes"] == churned > 0
    for row in (own, base):
        shares = done.exit_kinds[done.exit_kinds["model"] == row["model"]]["share"]
        assert row["log_loss"] == pytest.approx(-np.log(shares).mean())


def test_metrics_can_be_recomputed_from_predictions(of_operator: pd.DataFrame) -> None:
    metrics = pd.DataFrame(metrics_of(of_operator))

    one = of_operator[(of_operator["model"] == "keepworth") & (of_operator["months"] == 3)]
    rows = metrics[(metrics["model"] == "keepworth") & (metrics["months"] == 3)]
    churn = rows[rows["task"] == "churn"].iloc[0]
    error = one["churn_probability"] - one["churned"]
    assert churn["brier"] == pytest.approx((error**2).mean())
    assert churn["n_outcomes"] == one["churned"].sum() > 0
    for statistic in ("mean", "median"):
        value = rows[rows["statistic"] == statistic].iloc[0]
        error = one[f"value_{statistic}"] - one["value_actual"]
        assert value["wape"] == pytest.approx(error.abs().sum() / one["value_actual"].abs().sum())
        assert value["rmse"] == pytest.approx(np.sqrt((error**2).mean()))


def test_the_median_of_a_shops_customer_lies_in_the_interval_and_has_metrics(
    of_shop: pd.DataFrame,
) -> None:
    own = of_shop[of_shop["model"] == "keepworth"]
    rather_silent = own[own["churn_probability"] > 0.5]

    assert (own["value_low"] <= own["value_median"]).all()
    assert (own["value_median"] <= own["value_high"]).all()
    # A month without purchases costs 0.1.
    assert len(rather_silent) > 10
    np.testing.assert_allclose(rather_silent["value_median"], -0.1 * rather_silent["months"])
    statistics = {row.get("statistic") for row in metrics_of(own)}
    assert statistics == {None, "mean", "median"}
