"""What the log holds of each kind of event in periods of thirty days, newest first."""

from datetime import datetime

import pandas as pd

from features.instants import datetime_of, instant_of
from features.log import Log
from features.months import DAY

PERIOD_DAYS = 30
PERIODS = 7
"""The newest, and six before it that say what is usual."""

_SEEN = """
    SELECT *, CASE WHEN kind = 'usage' THEN concat('usage:', label) ELSE kind END AS series,
        CAST(($cutoff - 1 - epoch_us(occurred_at)) // $period AS INTEGER) AS period
    FROM read_parquet($files)
    WHERE occurred_at < make_timestamptz($cutoff) AND recorded_at < make_timestamptz($cutoff)
        AND occurred_at >= make_timestamptz($cutoff - $periods * $period)"""
_COUNTS = """
    SELECT series, period, count(*) AS n, count(amount) AS n_amounts, count(label) AS n_labels,
        quantile_cont(amount, 0.5) AS median, quantile_cont(amount, 0.9) AS upper,
        count(*) - count(DISTINCT hash(customer_id, subscription_id, occurred_at, amount, label,
            basket_id)) AS repeats
    FROM ({seen}) GROUP BY series, period ORDER BY series, period"""
_TIMES = """
    SELECT count(*) FILTER (occurred_at >= make_timestamptz($now)) AS ahead,
        count(*) FILTER (recorded_at < occurred_at - INTERVAL 1 DAY) AS foreseen,
        count(*) AS n, coalesce(max(occurred_at) FILTER (occurred_at < make_timestamptz($now)),
            min(occurred_at)) AS newest
    FROM read_parquet($files)"""


def periods_of(log: Log, cutoff: int) -> pd.DataFrame:
    """Return counts by series of events and period; period 0 is the newest before the cutoff.

    Columns: `series` (a kind; of usage, the metric too), `period`, `n`, `n_amounts`, `n_labels`,
    `median` and `upper` (the ninth decile) of amounts in major units, and `repeats`: rows that
    are in all but their id like another of their period.
    """
    values = {
        "cutoff": cutoff,
        "period": PERIOD_DAYS * DAY,
        "periods": periods_covered(log, cutoff),
    }
    files = {"files": [str(path) for path in log.files("events")]}
    return log.query(_COUNTS.format(seen=_SEEN), values | files).to_pandas()


def periods_covered(log: Log, cutoff: int) -> int:
    """Return how many whole periods before a cutoff the log reaches back, at most PERIODS."""
    first = instant_of(log.span()[0])
    return int(min(PERIODS, (cutoff - first) // (PERIOD_DAYS * DAY)))


def times_of(log: Log, now: datetime) -> tuple[int, int, int, datetime]:
    """Return how many events lie in the future, were known a day early, and are there; the newest.

    The newest is the last before now; where all lie in the future, the first.
    """
    files = [str(path) for path in log.files("events")]
    [row] = log.query(_TIMES, {"files": files, "now": instant_of(now)}).to_pylist()
    newest = datetime_of(instant_of(row["newest"]))
    return int(row["ahead"]), int(row["foreseen"]), int(row["n"]), newest
