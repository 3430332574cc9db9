"""Gates before training: what no model may learn from, as the newest month of data shows it.

The newest thirty days are held against the six periods of thirty days before them. A condition
must fail by more than noise and by more than a bound: the noise of a share is that of a binomial,
that of a count at least that of a Poisson and at least the spread of the periods before.
"""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.log import Log
from training.gate import Gate, judged
from training.recent_periods import PERIOD_DAYS, periods_covered, periods_of, times_of
from training.retraining_rules import RetrainingRules

NOISE = 4.0
"""Standard errors beyond which a difference is none of chance: 1 in 16,000 on one side."""
FEWEST_PERIODS = 3
"""So many periods before the newest say what is usual."""
USUAL_COUNT = 20
"""A series with so many events in each earlier period is one whose end would be noticed."""
FEWEST_AMOUNTS = 20
UNIT_FACTOR = 5.0
"""Prices do not rise by so much in a month; a change of unit is a hundred or a thousand."""
Values = NDArray[np.float64]
NULL_SHARE, REPEATED_SHARE, FUTURE_SHARE = 0.1, 0.02, 0.001


def data_gates(log: Log, cutoff: int, now: datetime, rules: RetrainingRules) -> list[Gate]:
    """Return every gate before training but the canary, which needs signals.

    `cutoff` in microseconds; `now` is the runner's clock.
    """
    gates = [*_gates_of_time(log, now, rules)]
    if periods_covered(log, cutoff) <= FEWEST_PERIODS:
        found = (
            f"fewer than {FEWEST_PERIODS + 1} periods of {PERIOD_DAYS} days: nothing is usual yet"
        )
        names = ("volume", "kinds", "nulls", "duplicates", "units")
        return gates + [Gate(name, passed=True, found=found) for name in names]
    periods = periods_of(log, cutoff)
    return [
        *gates,
        volume_gate(periods, rules.volume_change),
        kinds_gate(periods),
        nulls_gate(periods),
        duplicates_gate(periods),
        units_gate(periods),
    ]


def volume_gate(periods: pd.DataFrame, most_change: float) -> Gate:
    """Hold the number of events, all kinds together, against the usual; `periods` of periods_of."""
    total = periods.groupby("period")["n"].sum().sort_index()
    newest, before = float(total.get(0, 0)), total[total.index > 0]
    usual, spread = trend_to_newest(before.index.to_numpy(float), before.to_numpy(float))
    low, high = usual * (1 - most_change), usual / (1 - most_change)
    is_off = not low <= newest <= high and abs(newest - usual) > NOISE * spread
    found = f"{newest:,.0f} events in the newest {PERIOD_DAYS} days, {usual:,.0f} usually"
    way_out = (
        f"expected {low:,.0f} to {high:,.0f}; ingest what is missing, or set "
        "retraining.volume_change"
    )
    return judged("volume", found, way_out, passed=not is_off, newest=newest, usual=usual)


def trend_to_newest(period: Values, count: Values) -> tuple[float, float]:
    """Return the count that earlier periods lead to at period 0, and its spread.

    On the log of counts, the slope is the median of those between all pairs, the level the median
    of what is left (Theil 1950, Sen 1968): a business that grows has more events than before, and
    one odd month does not bend it. The spread is that of the periods about the trend, and no less
    than a Poisson's.
    """
    logs = np.log(np.maximum(count, 1.0))
    first, second = np.triu_indices(len(period), k=1)
    slope = np.median((logs[second] - logs[first]) / (period[second] - period[first]))
    level = float(np.median(logs - slope * period))
    usual = math.exp(level)
    left = np.exp(level + slope * period) - count
    return usual, max(math.sqrt(usual), float(np.sqrt(np.square(left).mean())))


def kinds_gate(periods: pd.DataFrame) -> Gate:
    """Find series of events that were there in every earlier period, and are no more."""
    earlier = periods[periods["period"] > 0].groupby("series")["n"].agg(["min", "count"])
    n_earlier = periods.loc[periods["period"] > 0, "period"].nunique()
    steady = earlier[(earlier["count"] == n_earlier) & (earlier["min"] >= USUAL_COUNT)]
    there = set(periods.loc[periods["period"] == 0, "series"])
    gone = sorted(set(steady.index) - there)
    found = f"without {', '.join(gone)}" if gone else f"all {len(steady)} usual kinds are there"
    way_out = "ingest their sources, or see why they ended"
    return judged("kinds", found, way_out, passed=not gone, gone=gone)


def nulls_gate(periods: pd.DataFrame) -> Gate:
    """Compare the share of missing amounts and labels, series by series."""
    return _shares_gate("nulls", periods, {"amount": "n_amounts", "label": "n_labels"}, NULL_SHARE)


def duplicates_gate(periods: pd.DataFrame) -> Gate:
    """Compare the share of rows that are like another in all but their id, series by series."""
    known = periods.assign(unlike=periods["n"] - periods["repeats"])
    return _shares_gate("duplicates", known, {"rows like another": "unlike"}, REPEATED_SHARE)


def units_gate(periods: pd.DataFrame) -> Gate:
    """Compare medians and ninth deciles of amounts, series by series, where these are steady."""
    found = list(_jumps(periods[periods["n_amounts"] >= FEWEST_AMOUNTS]))
    words = "; ".join(found) or "amounts are of the usual size"
    way_out = "expected amounts in the major unit of business.currency; mend the source's SELECT"
    return judged("units", words, way_out, passed=not found, series=found)


def _jumps(periods: pd.DataFrame) -> Iterator[str]:
    for series, rows in periods.groupby("series"):
        newest, before = rows[rows["period"] == 0], rows[rows["period"] > 0]
        if newest.empty or len(before) < FEWEST_PERIODS:
            continue
        for statistic in ("median", "upper"):
            now, usual = float(newest[statistic].iloc[0]), before[statistic].to_numpy(float)
            is_steady = usual.min() > 0 and usual.max() <= UNIT_FACTOR * usual.min()
            middle = float(np.median(usual))
            if is_steady and not middle / UNIT_FACTOR <= now <= middle * UNIT_FACTOR:
                yield f"{series}: {statistic} of {now:,.2f}, {middle:,.2f} usually"
                break


def _shares_gate(name: str, periods: pd.DataFrame, columns: dict[str, str], most: float) -> Gate:
    """Compare the share of a series that a column does not count, newest against before."""
    told = []
    for series, rows in periods.groupby("series"):
        newest, before = rows[rows["period"] == 0], rows[rows["period"] > 0]
        n_now, n_before = int(newest["n"].sum()), int(before["n"].sum())
        if not n_now or not n_before:
            continue
        for what, column in columns.items():
            now = 1 - float(newest[column].sum()) / n_now
            usual = 1 - float(before[column].sum()) / n_before
            together = (now * n_now + usual * n_before) / (n_now + n_before)
            error = math.sqrt(together * (1 - together) * (1 / n_now + 1 / n_before))
            if now - usual > max(most, NOISE * error):
                told.append(f"{series}: {what} {now:.1%}, {usual:.1%} usually")
    missing = "missing" if name == "nulls" else "more than usual"
    found = "; ".join(told) if told else f"no series has {missing} beyond noise"
    way_out = "mend the source, and ingest again"
    return judged(name, found, way_out, passed=not told, series=told)


def _gates_of_time(log: Log, now: datetime, rules: RetrainingRules) -> Iterator[Gate]:
    ahead, foreseen, n, newest = times_of(log, now)
    found = (
        f"{ahead:,} events lie in the future, {foreseen:,} were known a day before they happened"
    )
    way_out = (
        f"expected none after {now:%Y-%m-%d %H:%M}Z, and recorded_at not before occurred_at; mind "
        "time zones, and give what is booked in effective_at"
    )
    is_off = max(ahead, foreseen) > FUTURE_SHARE * n
    yield judged("time travel", found, way_out, passed=not is_off, ahead=ahead, foreseen=foreseen)
    age, most = (now - newest) / timedelta(days=1), rules.max_age_days
    found = f"the newest event is {age:,.1f} days old"
    if most is None:
        found += "; retraining.max_age_days sets no bound"
    way_out = f"expected at most {most} days; ingest what has come since"
    is_fresh = most is None or age <= most
    yield judged("freshness", found, way_out, passed=is_fresh, age_days=age)
