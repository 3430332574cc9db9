"""Scores as rows of the contract: nothing absent, nothing invented, batch and service alike."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from features.months import DAY
from training.business import Business
from training.forecast import Forecast
from training.score_table import score_rows, score_table
from training.scoring import Scores

CONTRACT_FIELDS = [
    *("customer_id", "as_of", "status", "segment", "model_version"),
    *("churn_1m", "churn_3m", "churn_6m", "churn_12m"),
    *("churn_3m_voluntary", "churn_3m_involuntary", "churn_3m_other"),
    *("clv", "clv_median", "clv_low", "clv_high", "clv_sd", "naive_value_x_months"),
    *("payback_month", "value_at_stake", "referral_value"),
    *("survival", "expected_margin", "reasons", "warnings"),
]
PENDING = ("referral_value is null: later",)
A_DAY = 19_723 * DAY  # 2024-01-01


@pytest.fixture
def business() -> Business:
    return Business(contract="subscription", currency="EUR", annual_discount_rate=0.1)


@pytest.fixture
def scores() -> Scores:
    """One customer who stays with 0.9 a month, and one who has left."""
    survival = np.vstack([0.9 ** np.arange(1, 13), np.zeros(12)])
    margin = np.vstack([np.full(12, 10.0), np.full(12, -1.0)])
    activity = np.vstack([np.full(12, 0.5), np.zeros(12)])
    forecast = Forecast(
        is_customer=np.array([True, False]),
        churn=1 - survival,
        activity=activity[:, :2],
        expected_margin=(margin * activity)[:, :2],
        survival=survival[:, :2],
        margin_if_active=margin[:, :2],
        exit_shares=np.array([[0.75, 0.25, 0.0], [1.0, 0.0, 0.0]]),
    )
    return Scores(
        customer_ids=np.array(["stays", "left"], dtype=object),
        as_of=A_DAY,
        model_version="7",
        forecast=forecast,
        clv=np.array([9.5, -0.0]),
        clv_median=np.array([8.25, 0.0]),
        clv_low=np.array([2.5, 0.0]),
        clv_high=np.array([14.5, 0.0]),
        clv_sd=np.array([4.25, 0.0]),
        value_at_stake=np.array([1.5, 0.0]),
        payback_month=np.array([3.0, np.nan]),
        referral_value=np.array([np.nan, np.nan]),
        naive={"naive_value_x_months": np.array([24.0, 0.0])},
        segment=np.array(["top/low", None], dtype=object),
        warnings=PENDING,
    )


def test_every_field_of_the_contract_is_there_in_its_order(
    scores: Scores, business: Business
) -> None:
    assert score_table(scores, business).column_names == CONTRACT_FIELDS
    assert [list(row) for row in score_rows(scores, business)] == [CONTRACT_FIELDS] * 2


def test_a_customer_who_stays_is_described_in_full(scores: Scores, business: Business) -> None:
    row = score_rows(scores, business)[0]
    assert (row["customer_id"], row["status"], row["segment"]) == ("stays", "active", "top/low")
    assert (row["as_of"], row["model_version"]) == ("2024-01-01T00:00:00Z", "7")
    assert row["churn_1m"] == pytest.approx(0.1)
    assert row["churn_12m"] == 1 - 0.9**12
    assert (row["clv"], row["clv_median"], row["value_at_stake"]) == (9.5, 8.25, 1.5)
    assert (row["clv_low"], row["clv_high"], row["clv_sd"]) == (2.5, 14.5, 4.25)
    assert row["payback_month"] == 3
    assert isinstance(row["payback_month"], int)
    assert row["survival"] == [0.9, pytest.approx(0.81)]
    assert row["expected_margin"] == [5.0, 5.0]


def test_a_customer_who_left_is_lost_with_churn_one_and_no_value(
    scores: Scores, business: Business
) -> None:
    row = score_rows(scores, business)[1]
    assert row["status"] == "lost"
    assert [row[f"churn_{months}m"] for months in (1, 3, 6, 12)] == [1.0] * 4
    assert row["clv"] == 0.0
    assert row["segment"] is None
    assert row["survival"] == [0.0, 0.0]


def test_churn_by_kind_of_exit_adds_up_to_that_of_three_months(
    scores: Scores, business: Business
) -> None:
    row = score_rows(scores, business)[0]

    assert row["churn_3m_voluntary"] == pytest.approx(0.75 * (1 - 0.9**3))
    kinds = [row[f"churn_3m_{kind}"] for kind in ("voluntary", "involuntary", "other")]
    assert sum(kinds) == pytest.approx(row["churn_3m"], abs=1e-15)


def test_whatever_is_null_is_named_in_warnings(scores: Scores, business: Business) -> None:
    for row in score_rows(scores, business):
        null = {name for name, value in row.items() if value is None}
        assert null == {warning.split(" is null: ")[0] for warning in row["warnings"]}


def test_reasons_stand_beside_those_who_were_explained(scores: Scores, business: Business) -> None:
    told = ("pays 10.00 EUR a month, usually 14.20: -96 EUR",)
    stays, left = score_rows(replace(scores, reasons={"stays": told}), business)
    assert stays["reasons"] == list(told)
    assert left["reasons"] is None
    named = {warning.split(" is null")[0] for warning in stays["warnings"]}
    assert "reasons" not in named


def test_rows_say_what_the_table_says(scores: Scores, business: Business) -> None:
    said = [
        row | {"as_of": "2024-01-01T00:00:00Z"} for row in score_table(scores, business).to_pylist()
    ]
    assert score_rows(scores, business) == said


def test_zero_bears_no_sign(scores: Scores, business: Business) -> None:
    text = json.dumps(score_rows(scores, business), allow_nan=False)
    assert "-0.0" not in text


def test_microseconds_of_as_of_are_kept(scores: Scores, business: Business) -> None:
    row = score_rows(replace(scores, as_of=A_DAY + 1), business)[0]
    assert row["as_of"] == "2024-01-01T00:00:00.000001Z"


def test_a_shop_has_a_null_survival(scores: Scores) -> None:
    shop = Business(contract="transactional", currency="EUR", annual_discount_rate=0.1)
    of_shop = replace(scores, forecast=replace(scores.forecast, survival=None))
    table = score_table(of_shop, shop)
    assert table.column("survival").null_count == 2
    assert table.schema.field("survival").type == pa.list_(pa.float64())
    assert "segment is null: the customer has not bought yet" in table["warnings"][1].as_py()


def test_nobody_makes_an_empty_table_of_the_same_columns(
    scores: Scores, business: Business
) -> None:
    nothing = np.empty(0)
    empty = replace(
        scores,
        customer_ids=nothing.astype(object),
        forecast=Forecast(nothing.astype(bool), *[np.empty((0, 12))] * 5),
        clv=nothing,
        clv_median=nothing,
        clv_low=nothing,
        clv_high=nothing,
        clv_sd=nothing,
        value_at_stake=nothing,
        payback_month=nothing,
        referral_value=nothing,
        naive={"naive_value_x_months": nothing},
        segment=nothing.astype(object),
    )
    assert score_table(empty, business).schema == score_table(scores, business).schema
    assert score_rows(empty, business) == []
