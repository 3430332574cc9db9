"""A made-up subscription business in which nothing says who will leave.

Plans, usage that drifts, failed payments, tickets and changes of plan are drawn for every customer
and month; the moment of leaving is exponential and independent of them all.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

MONTHS = 36
MONTHLY_CHURN = 0.03
DAYS_A_MONTH = 30.0
BEGIN = datetime(2022, 1, 1, tzinfo=UTC)
PRICES = (10.0, 20.0, 40.0)
CONFIGURATION = f"""\
[business]
contract = "subscription"
currency = "EUR"
annual_discount_rate = 0.10
gross_margin = 0.8
month = 30
observed_from = 2022-01-01T00:00:00Z
observed_until = {BEGIN + timedelta(days=MONTHS * DAYS_A_MONTH):%Y-%m-%dT%H:%M:%SZ}

[[sources]]
name = "events"
into = "events"
files = {{ events = "data/events.parquet" }}
select = "SELECT * FROM events"
"""


def write_no_signal(folder: Path, n_customers: int, seed: int) -> None:
    """Write the configuration and the events of such a business; the seed settles every value."""
    rng = np.random.default_rng(seed)
    begin = rng.uniform(-24 * DAYS_A_MONTH, MONTHS * DAYS_A_MONTH, n_customers)
    end = begin + rng.exponential(DAYS_A_MONTH / MONTHLY_CHURN, n_customers)
    seen = np.flatnonzero(end > 0)
    (folder / "data").mkdir(parents=True)
    pq.write_table(_events(begin[seen], end[seen], rng), folder / "data" / "events.parquet")
    (folder / "keepworth.toml").write_text(CONFIGURATION)


def _events(
    begin: NDArray[np.float64], end: NDArray[np.float64], rng: np.random.Generator
) -> pa.Table:
    n_customers, last = len(begin), MONTHS * DAYS_A_MONTH
    plan = rng.integers(0, len(PRICES), n_customers)
    everyone, left = np.arange(n_customers), np.flatnonzero(end < last)
    parts = [
        _rows("subscribe", everyone, begin, np.array(PRICES)[plan], plan),
        _rows("cancel", left, end[left]),
    ]
    level = rng.normal(3.0, 0.7, n_customers)
    for month in range(MONTHS):
        level += rng.normal(0.0, 0.15, n_customers)
        moved = rng.integers(0, len(PRICES), n_customers)
        for kind, chance, amount, label in (
            ("usage", 0.95, rng.poisson(np.exp(level)), None),
            ("payment_failed", 0.04, np.full(n_customers, 10.0), None),
            ("support", 0.10, None, None),
            ("plan_change", 0.02, np.array(PRICES)[moved], moved),
        ):
            day = DAYS_A_MONTH * (month + rng.random(n_customers))
            chosen = (rng.random(n_customers) < chance) & (day > begin) & (day < end)
            rows = np.flatnonzero(chosen)
            parts.append(_rows(kind, rows, day[rows], _at(amount, rows), _at(label, rows)))
    return pa.concat_tables(parts)


def _rows(
    kind: str,
    customer: NDArray[np.int64],
    day: NDArray[np.float64],
    amount: NDArray[Any] | None = None,
    label: NDArray[Any] | None = None,
) -> pa.Table:
    nothing = np.full(len(customer), np.nan)
    instants = np.datetime64(BEGIN.replace(tzinfo=None), "us") + (day * 86_400e6).astype("m8[us]")
    amounts = nothing if amount is None else amount.astype(np.float64)
    names = [None] * len(customer) if label is None else [f"plan {code}" for code in label]
    return pa.table(
        {
            "customer_id": pa.array([f"C{number:06d}" for number in customer], pa.string()),
            "kind": pa.array([kind] * len(customer), pa.string()),
            "occurred_at": pa.array(instants, pa.timestamp("us", "UTC")),
            "amount": pa.array(amounts, pa.float64(), from_pandas=True),
            "label": pa.array(names, pa.string()),
        }
    )


def _at(values: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    return None if values is None else values[rows]
