"""A programme that does nothing, joined by the dear and the heavy: the comparison says nothing."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.log import EVENT_SCHEMA
from features.mistakes import InputRefusedError
from features.months import DAY
from tests.training.worlds import at, ingested_log
from training.experiments.assignments import MEMBER, Assignments, Spending
from training.experiments.comparison import Joining, drawn
from training.experiments.outcomes import Measure, day_of
from training.experiments.programme import _require_alike, measured_programme
from training.experiments.programme_warnings import programme_warnings

OPENING = ["subscribe", "renew", "plan_change"]
BEGIN = "2022-10-05T09:00"
QUARTER = pd.Timedelta(days=92)
BEGAN = pd.Timestamp(BEGIN, tz="UTC")
UNTIL = "2023-07-01"


def price_paid(log):
    """Return what customers paid a month when the club began, by id."""
    events = pd.concat([log.read_events(bucket).to_pandas() for bucket in range(log.n_buckets)])
    before = events[events["occurred_at"] < BEGAN]
    plans = before[before["kind"].isin(OPENING)]
    price = plans.groupby("customer_id")["amount"].last()
    gone = before.loc[before["kind"] == "cancel", "customer_id"]
    return price[~price.index.isin(gone)]


def joined(log, rng, n_days=2):
    """Return members who joined because they pay much, on one of some days."""
    price = price_paid(log)
    joins = rng.random(len(price)) < 1 / (1 + np.exp(-(price - price.mean()) / price.std()))
    return members(
        price.index[joins.to_numpy()], at(BEGIN) + DAY * rng.integers(0, n_days, joins.sum())
    )


def members(customer_ids, days):
    nothing, unknown = Spending.of([]), np.full(len(days), np.nan)
    ids, arms = customer_ids.to_numpy(dtype=object), np.full(len(days), MEMBER)
    return Assignments("club", ids, arms, days, nothing, unknown)


def with_gifts(log, club, folder, business):
    """Return the log with a gift of 20 to every member in each of three months."""
    events = pd.concat([log.read_events(bucket).to_pandas() for bucket in range(log.n_buckets)])
    when = pd.to_datetime(club.at, unit="us", utc=True)
    gifts = [
        pd.DataFrame(
            {
                "event_id": [f"gift-{month}-{each}" for each in club.customer_ids],
                "customer_id": club.customer_ids,
                "kind": "cost",
                "amount": 20.0,
                "occurred_at": when + pd.Timedelta(days=10 + 30 * month),
            }
        )
        for month in range(3)
    ]
    whole = pd.concat([events, *gifts], ignore_index=True)
    whole["recorded_at"] = whole["recorded_at"].fillna(whole["occurred_at"])
    whole = whole.astype({"term_months": "Int32"})
    return ingested_log(folder, pa.Table.from_pandas(whole, EVENT_SCHEMA), business)


@pytest.fixture(scope="module")
def club(operator):
    members = joined(operator.log, np.random.default_rng(11))
    return operator.log, members, Measure(3, at(UNTIL), operator.business, operator.bundle)


@pytest.fixture(scope="module")
def found(club, operator):
    return measured_programme(*club, operator.bundle, seed=1)


def test_a_programme_that_does_nothing_is_found_to(found):
    clv, margin = found.effects["clv"], found.effects["margin"]

    assert clv.naive > 20
    for effect in (clv, margin):
        assert abs(effect.effect) < 3 * effect.standard_error
        assert abs(effect.effect) < 0.35 * effect.naive


def test_weighting_makes_them_alike(found):
    worst = np.abs(found.balance.before).argmax()

    assert abs(found.balance.before[worst]) > 0.4
    assert abs(found.balance.after[worst]) < 0.5 * abs(found.balance.before[worst])
    assert found.overlap.n_comparisons > found.overlap.effective > 50


@pytest.mark.parametrize("n_days", [1, 4])
def test_a_planted_effect_is_found_less_what_those_compared_saw_of_it(
    club, operator, tmp_path, n_days
):
    log, _, measure = club
    joining = joined(log, np.random.default_rng(7), n_days)
    given = with_gifts(log, joining, tmp_path, operator.business)
    found = measured_programme(given, joining, measure, operator.bundle, seed=1)
    margin, planted = found.effects["margin"], -60.0 * (1 - found.as_member)

    assert margin.low < planted < margin.high < 0
    assert (found.n_joined_later > 0) == (n_days > 1)
    grave = [said for said in programme_warnings(found) if "pulled towards nothing" in said]
    assert len(grave) == (n_days > 1)


def test_nobody_is_compared_who_had_joined_by_then(club, operator):
    log, assignments, measure = club
    days = day_of(assignments.at)
    wanted = dict.fromkeys(days.tolist(), 100)
    joining, rng = Joining.of(log, assignments), np.random.default_rng(1)
    compared = drawn(log, joining, wanted, measure, operator.bundle, rng)

    assert sorted(compared) == sorted(set(days.tolist()))
    for day, ids in compared.items():
        joined_by_then = assignments.customer_ids[days <= day]
        assert len(set(ids)) == 100
        assert not set(ids) & set(joined_by_then)


def test_who_had_left_by_then_is_not_compared(club, operator):
    """Asked for more than there are, all there are."""
    log, _, measure = club
    day = at("2022-10-05")
    joining, rng = Joining.of(log, members(pd.Index([]), np.array([]))), np.random.default_rng(1)
    compared = drawn(log, joining, {day: 10_000}, measure, operator.bundle, rng)[day]
    events = pd.concat([log.read_events(bucket).to_pandas() for bucket in range(log.n_buckets)])
    plans = events[events["kind"].isin([*OPENING, "cancel", "cancel_withdrawn"])]
    last = plans.sort_values("occurred_at").groupby("customer_id").last()
    long_gone = last.index[(last["kind"] == "cancel") & (last["occurred_at"] < BEGAN - QUARTER)]

    assert len(set(compared)) == len(compared) > 400
    assert len(long_gone) > 20
    assert not set(compared) & set(long_gone)
    assert len(set(price_paid(log).index) - set(compared)) < 10


def test_a_programme_that_everybody_joined_has_nobody_to_compare_with(club, operator):
    log, _, measure = club
    ids = price_paid(log).index
    everybody = members(ids, np.full(len(ids), at(BEGIN)))

    with pytest.raises(InputRefusedError, match="customers to compare members with is "):
        measured_programme(log, everybody, measure, operator.bundle, seed=1)


def test_members_of_whom_signals_say_that_they_join_have_nobody_like_them():
    is_member = np.repeat([True, False], [120, 400])
    _require_alike(np.repeat([True, False, True], [30, 90, 400]), is_member)

    with pytest.raises(InputRefusedError, match="29 of 120 members, 400 others"):
        _require_alike(np.repeat([True, False, True], [29, 91, 400]), is_member)


def test_too_few_members_are_refused(club, operator):
    log, assignments, measure = club
    few = assignments.only(np.arange(len(assignments.at)) < 50)
    with pytest.raises(InputRefusedError, match="at least 100 are needed"):
        measured_programme(log, few, measure, operator.bundle, seed=1)
