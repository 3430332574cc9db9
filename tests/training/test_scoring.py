"""What must hold of every score."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.blocks import Block, block_of
from features.catalogue import signal_matrix
from features.history import history_from_events
from features.instants import datetime_of
from features.kernel import Moment
from features.profiles import Profiles, profiles_of
from features.references import NO_REFERENCES
from tests.features.histories import history_of
from tests.training.worlds import Trained, at, block_about
from training.changes import value_changes
from training.scoring import Scores, score
from training.shop import ShopModel, weeks_ahead
from training.shop_rows import buyers_at


@pytest.fixture(params=["operator", "shop"])
def world(request: pytest.FixtureRequest) -> Trained:
    trained: Trained = request.getfixturevalue(request.param)
    return trained


def _scored(world: Trained, block: Block | None = None, as_of: int | None = None) -> Scores:
    return score(world.bundle, block or world.blocks[0], as_of or world.known.cutoff)


def _require_equal(one: Scores, other: Scores) -> None:
    assert one.customer_ids.tolist() == other.customer_ids.tolist()
    assert one.segment.tolist() == other.segment.tolist()
    for name in ("clv", "clv_median", "value_at_stake", "payback_month"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("churn", "activity", "expected_margin"):
        first, second = (getattr(scores.forecast, name) for scores in (one, other))
        np.testing.assert_array_equal(first, second, err_msg=name)


def test_clv_is_the_discounted_sum_of_expected_margin(world: Trained) -> None:
    scores = _scored(world)

    horizon, rate = world.business.horizon_months, world.business.annual_discount_rate
    discount = (1 + rate) ** (-(np.arange(1, horizon + 1) - 0.5) / 12)
    assert scores.forecast.expected_margin.shape == (len(scores.clv), horizon)
    np.testing.assert_allclose(scores.clv, scores.forecast.expected_margin @ discount, atol=1e-9)


def test_whoever_is_no_customer_is_gone_and_worth_nothing(world: Trained) -> None:
    early = _scored(world, as_of=world.known.cutoff - 200 * 86_400_000_000)
    gone = ~early.forecast.is_customer

    assert gone.any()
    assert (early.forecast.churn[gone] == 1).all()
    assert (early.clv[gone] == 0).all()
    assert (early.forecast.activity[gone] == 0).all()
    assert set(early.segment[gone]) == {None}
    assert None not in set(early.segment[~gone])


def test_churn_is_a_probability_that_never_returns(world: Trained) -> None:
    churn = _scored(world).forecast.churn

    assert ((churn >= 0) & (churn <= 1)).all()
    steps = np.diff(churn, axis=1)
    # A shop's churn is silence so far, which can only fall.
    assert (steps >= 0).all() if world.business.contract == "subscription" else (steps <= 0).all()


def test_churn_and_survival_are_one_curve(operator: Trained) -> None:
    forecast = _scored(operator).forecast

    assert forecast.survival is not None
    np.testing.assert_array_equal(forecast.churn[:, :36], 1 - forecast.survival)
    before = np.column_stack([forecast.is_customer, forecast.survival[:, :-1]])
    np.testing.assert_allclose(forecast.activity, (before + forecast.survival) / 2)
    margin = forecast.margin_if_active * forecast.activity
    np.testing.assert_allclose(forecast.expected_margin, margin)


def test_a_shop_never_expects_fewer_purchases_than_buyers(shop: Trained) -> None:
    block, model = shop.blocks[0], shop.bundle.model
    assert isinstance(model, ShopModel)
    moment = Moment(block.history, block.profiles, shop.known.cutoff, shop.business, NO_REFERENCES)
    buyers = buyers_at(moment)
    values = signal_matrix(moment, model.signals)[buyers.customer].astype(np.float32)
    expected = model.expected_purchases(values, buyers.rhythm, weeks_ahead(12, "calendar"))

    forecast = _scored(shop, block).forecast

    buys = 1 - forecast.churn[buyers.customer]
    assert (buys <= np.cumsum(expected, axis=1) + 1e-9).all()
    np.testing.assert_allclose(forecast.activity[buyers.customer, 0], buys[:, 0], atol=1e-12)
    assert ((forecast.activity >= 0) & (forecast.activity <= 1)).all()


def test_who_has_not_bought_is_no_customer_of_a_shop(shop: Trained) -> None:
    history = history_of(
        ("ann", "usage", "2022-12-01", {"amount": 3.0}),
        ("bob", "payment", "2022-12-01", {"amount": 30.0}),
    )

    scores = _scored(shop, block_about(history))

    assert scores.forecast.is_customer.tolist() == [False, True]
    assert scores.forecast.churn[0].tolist() == [1.0] * 12
    assert scores.clv[0] == 0
    assert scores.clv[1] > 0


def test_events_known_at_or_after_as_of_change_no_score(world: Trained) -> None:
    as_of = world.known.cutoff - 60 * 86_400_000_000
    known = pa.concat_tables(_events(world, before=as_of))
    everything = pa.concat_tables(_events(world))
    ids = sorted(set(known.column("customer_id").to_pylist()))

    of_known, of_all = (
        Block(history_from_events(table, 100, ids), _profiles(world, ids))
        for table in (known, _only(everything, ids))
    )

    _require_equal(_scored(world, of_known, as_of), _scored(world, of_all, as_of))


def test_the_order_of_rows_and_the_size_of_blocks_change_no_score(world: Trained) -> None:
    events = pa.concat_tables(_events(world))
    ids = sorted(set(events.column("customer_id").to_pylist()))
    order = np.random.default_rng(3).permutation(len(events))
    half = ids[: len(ids) // 2]

    whole = _scored(world, _block(world, events))
    shuffled = _scored(world, _block(world, events.take(pa.array(order))))
    part = _scored(world, _block(world, _only(events, half)))

    _require_equal(whole, shuffled)
    assert part.clv.tolist() == whole.clv[: len(half)].tolist()
    np.testing.assert_array_equal(part.forecast.churn, whole.forecast.churn[: len(half)])


def test_the_risk_of_a_shops_segments_is_that_of_its_window(shop: Trained) -> None:
    bundle, block = shop.bundle, shop.blocks[0]
    cuts = replace(bundle.cuts, low_risk=0.3, high_risk=0.6)
    for window in (1, 12):
        business = bundle.business.model_copy(update={"churn_window_months": window})
        scores = score(replace(bundle, business=business, cuts=cuts), block, shop.known.cutoff)

        there = scores.forecast.is_customer
        silent = scores.forecast.churn[there, window - 1]
        bands = [str(segment).partition("/")[2] for segment in scores.segment[there]]
        tiers = [str(segment).partition("/")[0] for segment in scores.segment[there]]
        expected = np.select([silent < 0.3, silent > 0.6], ["low", "high"], "medium")
        assert len(set(expected)) > 1
        assert [band for band, tier in zip(bands, tiers, strict=True) if tier != "loss"] == [
            band for band, tier in zip(expected, tiers, strict=True) if tier != "loss"
        ]


def test_a_shorter_horizon_cuts_the_same_curves(world: Trained) -> None:
    block, cutoff = world.blocks[0], world.known.cutoff

    short = score(world.bundle, block, cutoff, horizon_months=6, annual_discount_rate=0.0)

    whole = _scored(world, block).forecast
    np.testing.assert_allclose(short.clv, whole.expected_margin[:, :6].sum(axis=1), atol=1e-9)
    assert short.forecast.churn.shape[1] == 12
    np.testing.assert_array_equal(short.forecast.churn, whole.churn[:, :12])


def test_levers_add_up_and_the_lost_are_lost_to_time(operator: Trained) -> None:
    block, now = operator.blocks[0], operator.known.cutoff
    earlier = _scored(operator, block, now - 90 * 86_400_000_000)
    later = _scored(operator, block)

    changes = value_changes(earlier, later, operator.business.annual_discount_rate)

    assert len(changes) == earlier.forecast.is_customer.sum()
    change = changes["clv_now"] - changes["clv_before"]
    np.testing.assert_allclose(changes["time_lever"] + changes["value_lever"], change, atol=1e-8)
    lost = changes[changes["segment"].isna()]
    assert len(lost) > 0
    assert (lost["clv_now"] == 0).all()
    assert (lost["value_lever"] == 0).all()


def test_naive_formulas_are_those_people_use(operator: Trained) -> None:
    history = history_of(("ann", "subscribe", "2023-01-01", {"amount": 20.0, "label": "Basic"}))

    scores = _scored(operator, block_about(history), at("2023-06-01"))

    assert scores.naive["naive_value_x_months"].tolist() == [20.0 * 36]


def _events(world: Trained, before: int | None = None) -> list[pa.Table]:
    limit = None if before is None else datetime_of(before)
    return [world.log.read_events(bucket, limit) for bucket in range(world.log.n_buckets)]


def _only(events: pa.Table, ids: list[str]) -> pa.Table:
    return events.filter(pc.is_in(events.column("customer_id"), pa.array(ids)))


def _block(world: Trained, events: pa.Table) -> Block:
    attributes = list(world.bundle.vocabulary.levels)
    return block_of(events, world.log.read_customers(), world.business, attributes)


def _profiles(world: Trained, ids: list[str]) -> Profiles:
    return profiles_of(world.log.read_customers(), ids, list(world.bundle.vocabulary.levels))


def test_intervals_hold_the_median(world: Trained) -> None:
    for block in world.blocks:
        scores = score(world.bundle, block, world.known.cutoff)
        told = ~np.isnan(scores.clv_median)

        assert (scores.clv_low <= scores.clv_high).all()
        assert (scores.clv_low <= scores.clv_median)[told].all()
        assert (scores.clv_median <= scores.clv_high)[told].all()


def test_intervals_far_beyond_what_they_were_calibrated_on_say_so(world: Trained) -> None:
    assert world.bundle.intervals is not None
    window, block = world.bundle.intervals.months, world.blocks[0]

    near, far = (
        score(world.bundle, block, world.known.cutoff, horizon_months=months).warnings
        for months in (2 * window, 2 * window + 1)
    )

    said = f"could be calibrated on {window}: beyond them they rest on an assumption"
    assert any(said in warning for warning in far)
    assert not any("calibrated on" in warning for warning in near)
