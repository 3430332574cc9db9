"""Referral value: conversions by hand, newcomers' worth, and a backtest of its own."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.kernel import Moment
from features.references import NO_REFERENCES
from tests.features.histories import history_of
from tests.training.worlds import (
    Trained,
    at,
    block_about,
    ingested_log,
    operator_business,
)
from training.backtest import Backtested, backtest_at
from training.backtest_plan import plan_backtest
from training.bundle_files import load_bundle, save_bundle
from training.credibility import Credibility
from training.fitting import fit_bundle
from training.known import known_at
from training.metrics import count_metrics
from training.referral_backtest import PAST_RATE, REFERRAL_COLUMNS, referral_metrics
from training.referrals import ReferralModel, fit_referrals
from training.score_table import score_rows
from training.scoring import score

AS_OF = at("2023-01-01")
INVITED_TWICE = (
    ("ann", "subscribe", "2022-01-01", {"amount": 20.0, "label": "Basic"}),
    ("ann", "referral", "2022-03-01", {}),
    ("ann", "referral", "2022-09-01", {}),
    ("bob", "subscribe", "2022-07-01", {"amount": 20.0, "label": "Basic"}),
)


def _model(**changes: Any) -> ReferralModel:
    """Half an invitation a month in general, at six months of weight; every fourth brings one."""
    usual = ReferralModel("referral", Credibility(0.5, 6.0), 0.25, (10.0, 10.0))
    return replace(usual, **changes)


def _moment() -> Moment:
    block = block_about(history_of(*INVITED_TWICE))
    return Moment(block.history, block.profiles, AS_OF, operator_business(), NO_REFERENCES)


def test_newcomers_are_the_drawn_rate_times_activity() -> None:
    activity = np.array([[1.0, 0.5], [0.8, 0.0]])

    coming = _model().conversions(_moment(), operator_business(), activity)

    ann = (2 + 6 * 0.5) / (12 + 6) / 4
    bob = (0 + 6 * 0.5) / (6 + 6) / 4
    np.testing.assert_allclose(coming, [[ann, ann / 2], [bob * 0.8, 0.0]], rtol=1e-12)


def test_value_is_what_newcomers_bring_less_the_reward_discounted_to_today() -> None:
    business = operator_business(referral_reward=5.0)
    activity = np.ones((2, 2))

    value = _model().value(_moment(), business, activity, annual_discount_rate=0.21)

    discount = 1.21 ** (-np.array([0.5, 1.5]) / 12)
    worth = 10 * discount.sum()
    ann = (2 + 6 * 0.5) / (12 + 6) / 4
    assert value[0] == pytest.approx(ann * discount.sum() * (worth - 5.0))


def test_a_reward_above_what_newcomers_bring_makes_referrals_a_loss() -> None:
    business = operator_business(referral_reward=1000.0)

    assert (_model().value(_moment(), business, np.ones((2, 2)), 0.1) < 0).all()


def _club(rng: np.random.Generator, *, invitations: bool) -> Iterable[dict[str, Any]]:
    """Yield events of 300 members over two years; some bring a newcomer every other month."""
    begin = np.datetime64("2021-01-01")
    for number in range(300):
        name, advocates = f"m{number:03d}", number % 5 == 0
        joined = begin + np.timedelta64(int(rng.integers(0, 600)), "D")
        yield _event(name, "subscribe", joined, amount=10.0, label="Club")
        life = int(rng.exponential(500)) + 10
        if joined + np.timedelta64(life, "D") < np.datetime64("2023-01-01"):
            yield _event(name, "cancel", joined + np.timedelta64(life, "D"), label="voluntary")
        rate = 0.5 if advocates else 0.02
        for month in range(min(life, 700) // 30):
            day = joined + np.timedelta64(month * 30 + int(rng.integers(0, 30)), "D")
            if day < np.datetime64("2023-01-01") and rng.random() < rate:
                friend = f"m{int(rng.integers(0, 300)):03d}"
                if invitations:
                    yield _event(name, "referral", day)
                yield _event(name, "referral_joined", day, label=friend)


def _event(name: str, kind: str, day: np.datetime64, **more: Any) -> dict[str, Any]:
    blank = {"amount": None, "label": None}
    return {"customer_id": name, "kind": kind, "occurred_at": day.item()} | blank | more


@pytest.fixture(scope="module", params=[True, False], ids=["invitations", "newcomers alone"])
def club(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    events = pd.DataFrame(_club(np.random.default_rng(7), invitations=request.param))
    events["occurred_at"] = events["occurred_at"].astype("datetime64[us, UTC]")
    business = operator_business(
        horizon_months=12,
        observed_from="2021-01-01T00:00:00Z",
        observed_until="2023-01-01T00:00:00Z",
    )
    folder = tmp_path_factory.mktemp("club")
    log = ingested_log(folder, pa.Table.from_pandas(events, preserve_index=False), business)
    known = known_at(log, business, [], AS_OF)
    return Trained(log, known, *fit_bundle(known))


def test_those_who_brought_more_are_expected_to_bring_more(club: Trained) -> None:
    rows = [
        row
        for block in club.blocks
        for row in score_rows(score(club.bundle, block, AS_OF), club.business)
        if row["status"] == "active"
    ]

    values = {row["customer_id"]: row["referral_value"] for row in rows}
    advocates = [value for name, value in values.items() if int(name[1:]) % 5 == 0]
    others = [value for name, value in values.items() if int(name[1:]) % 5]
    assert np.mean(advocates) > 2 * np.mean(others)
    assert min(others) > 0
    assert not any("referral_value" in said for row in rows for said in row["warnings"])


def test_referral_value_is_no_part_of_clv(club: Trained) -> None:
    without = replace(club.bundle, referrals=None)

    for block in club.blocks:
        first, second = (score(bundle, block, AS_OF) for bundle in (club.bundle, without))
        assert first.clv.tolist() == second.clv.tolist()
        assert np.isnan(second.referral_value).all()


def test_the_lost_bring_nobody(club: Trained) -> None:
    for block in club.blocks:
        scores = score(club.bundle, block, AS_OF)
        lost = ~scores.forecast.is_customer
        assert lost.any()
        assert (scores.referral_value[lost] == 0).all()


def test_a_newcomer_is_worth_no_more_than_who_stays_at_full_price(club: Trained) -> None:
    referrals = club.bundle.referrals
    assert referrals is not None
    assert len(referrals.newcomer_margin) == club.business.horizon_months
    assert all(0 < margin < 10.0 for margin in referrals.newcomer_margin)


def test_a_bundle_read_back_gives_the_same_referral_value(club: Trained, tmp_path: Path) -> None:
    digest = save_bundle(club.bundle, tmp_path / "model")

    again = load_bundle(tmp_path / "model", digest, "7")

    assert again.referrals == club.bundle.referrals


def test_without_newcomers_there_is_no_referral_value_and_a_warning(shop: Trained) -> None:
    scores = score(shop.bundle, shop.blocks[0], shop.known.cutoff)

    rows = score_rows(scores, shop.business)

    assert shop.bundle.referrals is None
    assert {row["referral_value"] for row in rows} == {None}
    said = [one for one in rows[0]["warnings"] if one.startswith("referral_value is null")]
    assert said == [
        "referral_value is null: training saw fewer than 20 newcomers join by referral in a year"
    ]


def test_what_came_after_the_cutoff_teaches_nothing(club: Trained) -> None:
    earlier = known_at(club.log, club.business, [], at("2022-01-01"))
    model = club.bundle.model
    forecasts = [
        model.forecast(
            Moment(block.history, block.profiles, earlier.cutoff, club.business, NO_REFERENCES),
            club.business,
            12,
        )
        for block in earlier.blocks()
    ]

    found = fit_referrals(earlier, forecasts)

    assert found is not None
    assert club.bundle.referrals is not None
    assert found.rate != club.bundle.referrals.rate


@pytest.fixture(scope="module")
def judged(club: Trained) -> Backtested:
    cutoff = at("2022-07-01")
    plan = plan_backtest(club.log, club.business, [cutoff], [3, 6])
    return backtest_at(known_at(club.log, club.business, [], cutoff), plan)


def test_the_backtest_holds_every_prediction_beside_what_came(
    club: Trained, judged: Backtested
) -> None:
    found = judged.referrals
    assert tuple(found.columns) == REFERRAL_COLUMNS
    assert set(found["model"]) == {"keepworth", PAST_RATE}
    events = pd.concat(
        [club.log.read_events(bucket).to_pandas() for bucket in range(club.log.n_buckets)]
    )
    came = events[(events["kind"] == "referral_joined") & (events["occurred_at"] >= "2022-07-01")]
    there = set(found["customer_id"])
    own = came[came["customer_id"].isin(there)]
    half_year = found[(found["months"] == 6) & (found["model"] == "keepworth")]
    assert half_year["newcomers_actual"].sum() == len(own)


def test_the_model_beats_the_past_rate(judged: Backtested) -> None:
    rows = pd.DataFrame(referral_metrics(judged.referrals)).set_index(["months", "model"])

    for months in (3, 6):
        own, past = rows.loc[(months, "keepworth")], rows.loc[(months, PAST_RATE)]
        assert own["poisson_deviance"] < past["poisson_deviance"]
        assert own["predicted_actual"] == pytest.approx(1, abs=0.35)


def test_counts_are_judged_by_the_poisson_deviance_by_hand() -> None:
    metrics = count_metrics(np.array([1.0, 2.0]), np.array([0.0, 4.0]))

    assert metrics["poisson_deviance"] == pytest.approx((1 + 4 * np.log(2) - 2) * 2 / 2)
    assert metrics["rmse"] == pytest.approx(np.sqrt((1 + 4) / 2))
    assert metrics["predicted_actual"] == pytest.approx(3 / 4)
