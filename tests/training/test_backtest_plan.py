"""Which cutoffs a backtest may stand at."""

from pathlib import Path

import pytest

from features.log import Log
from features.mistakes import ConfigurationError, InputRefusedError
from tests.features.histories import events_of
from tests.training.worlds import at, ingested_log, operator_business
from training.backtest_plan import plan_backtest

BUSINESS = operator_business(
    observed_from="2022-01-01T00:00:00Z", observed_until="2024-01-01T00:00:00Z"
)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    subscribed = ("ann", "subscribe", "2022-01-01", {"amount": 9.0})
    events = events_of(subscribed)  # type: ignore[no-untyped-call]  # untyped helper
    return ingested_log(tmp_path, events, BUSINESS)


def test_by_default_the_latest_two_cutoffs_that_leave_the_longest_window(log: Log) -> None:
    plan = plan_backtest(log, BUSINESS, [], [])

    assert plan.months == (1, 3, 6, 12)
    assert plan.cutoffs == (at("2022-10-01"), at("2023-01-01"))
    assert plan.observed_until == at("2024-01-01")


def test_what_is_asked_for_is_put_in_order_once(log: Log) -> None:
    cutoffs = [at("2023-06-01"), at("2023-01-01"), at("2023-06-01")]

    plan = plan_backtest(log, BUSINESS, cutoffs, [6, 1, 6])

    assert plan.cutoffs == (at("2023-01-01"), at("2023-06-01"))
    assert plan.months == (1, 6)


def test_a_window_that_ends_with_observation_is_finished(log: Log) -> None:
    assert plan_backtest(log, BUSINESS, [at("2023-10-01")], [3]).cutoffs == (at("2023-10-01"),)


def test_an_unfinished_window_is_refused_with_the_cutoffs_that_would_do(log: Log) -> None:
    message = (
        r"cutoff is 2023-10-02 with 3 months ahead; outcomes are complete until 2024-01-01: "
        r"give a --cutoff from 2022-03-01 to 2023-10-01, or fewer --months"
    )
    with pytest.raises(InputRefusedError, match=message) as refused:
        plan_backtest(log, BUSINESS, [at("2023-01-01"), at("2023-10-02"), at("2023-12-01")], [3])
    assert len(refused.value.mistakes) == 2


def test_a_cutoff_without_two_months_before_it_is_refused(log: Log) -> None:
    with pytest.raises(InputRefusedError, match="give a --cutoff from 2022-03-01"):
        plan_backtest(log, BUSINESS, [at("2022-02-28")], [3])


def test_a_horizon_longer_than_the_history_is_refused(log: Log) -> None:
    with pytest.raises(InputRefusedError, match="too short; give fewer --months"):
        plan_backtest(log, BUSINESS, [], [30])


def test_a_horizon_of_no_month_is_refused(log: Log) -> None:
    with pytest.raises(ConfigurationError, match="months is 0; give at least 1"):
        plan_backtest(log, BUSINESS, [], [0, 3])
