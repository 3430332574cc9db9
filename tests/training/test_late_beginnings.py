"""A business whose first customers come long after observation began, or just before it ends."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.mistakes import InputRefusedError
from tests.training.worlds import at, ingested_log, operator_business, sales, shop_business
from training.bundle_files import save_bundle
from training.fitting import fit_bundle
from training.known import known_at
from training.shop import ShopModel, fit_shop
from training.subscription import fit_subscription


def test_a_shop_is_observed_ahead_for_as_long_as_it_had_buyers(tmp_path: Path) -> None:
    business = shop_business(observed_from="2021-09-01T00:00:00Z", horizon_months=24)
    log = ingested_log(tmp_path, sales(120, months=12, seed=3), business)
    cutoff = at("2022-12-01")

    bundle, _ = fit_bundle(known_at(log, business, [], cutoff))

    assert isinstance(bundle.model, ShopModel)
    # Of landmarks on the first of each month, that of February 2022 is the first with a buyer.
    assert len(bundle.model.silent_share) == bundle.longest_month == 10
    assert np.isfinite(bundle.model.silent_share).all()
    save_bundle(bundle, tmp_path / "bundle")


def test_a_shop_whose_buyers_all_came_in_the_last_month_is_refused(tmp_path: Path) -> None:
    business = shop_business(observed_from="2021-10-01T00:00:00Z")
    log = ingested_log(tmp_path, sales(100, months=1, seed=3), business)

    with pytest.raises(InputRefusedError) as refused:
        fit_shop(known_at(log, business, [], at("2022-01-31")))

    [mistake] = refused.value.mistakes
    assert (mistake.key, mistake.value) == ("customers with a purchase a month before", "0")


def test_an_operator_whose_customers_all_came_in_the_last_month_is_refused(tmp_path: Path) -> None:
    business = operator_business(observed_from="2021-10-01T00:00:00Z")
    begin, end = (datetime(2022, 1, day, tzinfo=UTC) for day in (3, 20))
    events = pa.table(
        {
            "customer_id": [f"c{number}" for number in (*range(40), *range(20))],
            "kind": ["subscribe"] * 40 + ["cancel"] * 20,
            "occurred_at": pa.array([begin] * 40 + [end] * 20, pa.timestamp("us", tz="UTC")),
            "amount": [10.0] * 40 + [None] * 20,
        }
    )
    log = ingested_log(tmp_path, events, business)

    with pytest.raises(InputRefusedError) as refused:
        fit_subscription(known_at(log, business, [], at("2022-01-31")))

    [mistake] = refused.value.mistakes
    assert (mistake.key, mistake.value) == ("customers a month before", "0")
