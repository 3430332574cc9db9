"""Which cutoffs and horizons a backtest looks at; no window may be unfinished."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.instants import datetime_of
from features.log import Log
from features.mistakes import ConfigurationError, InputRefusedError, Mistake
from features.months import month_edges, months_that_fit, shift_months
from training.business import Business
from training.known import observed_bounds

PRODUCT = "keepworth"
"""The model whose answers are the product's own."""
USUAL_MONTHS = (1, 3, 6, 12)
"""Horizons people ask for; those up to half the history are the default."""
_BETWEEN_CUTOFFS = 3
_FEWEST_MONTHS_BEFORE = 2


@dataclass(frozen=True)
class BacktestPlan:
    """Hold cutoffs (microseconds), horizons in months, and until when outcomes are complete."""

    cutoffs: tuple[int, ...]
    months: tuple[int, ...]
    observed_until: int


def plan_backtest(
    log: Log, business: Business, cutoffs: Sequence[int], months: Sequence[int]
) -> BacktestPlan:
    """Return a plan; without cutoffs the two latest that fit, three months apart.

    Raises
    ------
    ConfigurationError
        If a horizon is below one month.
    InputRefusedError
        If a window would be unfinished, or there is no room for any, naming each cutoff.
    """
    _require_months(months)
    since, until = observed_bounds(log, business)
    span = months_that_fit(since, until, business.month)
    usual = tuple(month for month in USUAL_MONTHS if month <= max(1, span // 2))
    horizons = tuple(sorted(set(months))) or usual
    chosen = tuple(sorted(set(cutoffs))) or _latest(since, until, max(horizons), business)
    mistakes = [
        Mistake(
            "cutoff",
            f"{datetime_of(cutoff):%Y-%m-%d} with {max(horizons)} months ahead",
            _way_out(since, until, max(horizons), business),
        )
        for cutoff in chosen or (until,)
        if not _fits(cutoff, since, until, max(horizons), business)
    ]
    if mistakes:
        raise InputRefusedError("an outcome window is not finished or not preceded", mistakes)
    return BacktestPlan(chosen, horizons, until)


def _require_months(months: Sequence[int]) -> None:
    wrong = [Mistake("months", str(month), "give at least 1") for month in months if month < 1]
    if wrong:
        raise ConfigurationError("a backtest looks at whole months ahead", wrong)


def _latest(since: int, until: int, longest: int, business: Business) -> tuple[int, ...]:
    back = (longest + _BETWEEN_CUTOFFS, longest)
    candidates = [int(shift_months(until, -months, business.month)) for months in back]
    return tuple(c for c in candidates if _fits(c, since, until, longest, business))


def _fits(cutoff: int, since: int, until: int, longest: int, business: Business) -> bool:
    before = months_that_fit(since, cutoff, business.month)
    ends = month_edges(cutoff, longest, business.month)[-1]
    return before >= _FEWEST_MONTHS_BEFORE and ends <= until


def _way_out(since: int, until: int, longest: int, business: Business) -> str:
    earliest = shift_months(since, _FEWEST_MONTHS_BEFORE, business.month)
    latest = shift_months(until, -longest, business.month)
    if latest < earliest:
        return (
            f"the history from {datetime_of(since):%Y-%m-%d} to {datetime_of(until):%Y-%m-%d} is "
            "too short; give fewer --months"
        )
    return (
        f"outcomes are complete until {datetime_of(until):%Y-%m-%d}: give a --cutoff from "
        f"{datetime_of(int(earliest)):%Y-%m-%d} to {datetime_of(int(latest)):%Y-%m-%d}, "
        "or fewer --months"
    )
