"""A programme that does nothing, joined by the dear and the heavy: the comparison says nothing."""

import numpy as np
import pandas as pd
import pytest

from features.mistakes import InputRefusedError
from features.months import DAY
from tests.training.worlds import at
from training.experiments.assignments import MEMBER, Assignments
from training.experiments.outcomes import Measure, day_of
from training.experiments.programme import _drawn, measured_programme

BEGAN = pd.Timestamp("2022-10-05T09:00:00Z")
UNTIL = "2023-07-01"


def joined(log, rng):
    """Return members who joined because they pay much, on one of two days."""
    events = pd.concat([log.read_events(bucket).to_pandas() for bucket in range(log.n_buckets)])
    before = events[events["occurred_at"] < BEGAN]
    plans = before[before["kind"].isin(["subscribe", "renew", "plan_change"])]
    price = plans.groupby("customer_id")["amount"].last()
    gone = before.loc[before["kind"] == "cancel", "customer_id"]
    price = price[~price.index.isin(gone)]
    joins = rng.random(len(price)) < 1 / (1 + np.exp(-(price - price.mean()) / price.std()))
    ids = price.index[joins.to_numpy()].to_numpy(dtype=object)
    days = at("2022-10-05T09:00") + DAY * rng.integers(0, 2, len(ids))
    nothing = np.zeros(len(ids), dtype=np.int64)
    arms, unknown = np.full(len(ids), MEMBER), np.full(len(ids), np.nan)
    return Assignments("club", ids, arms, days, 0.0 * nothing, nothing, unknown)


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


def test_nobody_is_compared_who_had_joined_by_then(club):
    log, assignments, _ = club
    days = day_of(assignments.at)
    compared = dict(_drawn(log, assignments, days, np.random.default_rng(1)))

    assert sorted(compared) == sorted(set(days.tolist()))
    for day, ids in compared.items():
        joined_by_then = assignments.customer_ids[days <= day]
        assert len(ids) > 0
        assert not set(ids) & set(joined_by_then)


def test_too_few_members_are_refused(club, operator):
    log, assignments, measure = club
    few = assignments.only(np.arange(len(assignments.at)) < 50)
    with pytest.raises(InputRefusedError, match="at least 100 are needed"):
        measured_programme(log, few, measure, operator.bundle, seed=1)
