"""One fit of the hazard on made-up landmark rows, in a process of its own.

    python -m benchmarks.models.scale_run CUSTOMERS SIGNALS SEED LIMIT_GB

Everybody is there from the first of 24 landmarks until they leave; two of the signals are true, so
that trees find something. Rows come as training has them, some customers at a landmark at a time.
Features are excluded: the clock stands still while rows are made up.
"""

import json
import resource
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.features.measuring import Json, Stopwatch, peak_gb
from training.anchor import TenureCounts, fit_anchor
from training.boosting import RowSample
from training.churn_rows import ChurnRows, ChurnSampler
from training.hazard import fit_hazard
from training.person_periods import Matrix

LANDMARKS = 24
MONTHS_AHEAD = 12
MONTHLY_CHURN = 0.01
CUSTOMERS_AT_ONCE = 10_000
_BESIDE = range(-LANDMARKS, 0, 4)
_LATER_MONTHS = 2


def made_up_rows(n_customers: int, n_signals: int, rng: np.random.Generator) -> Iterator[ChurnRows]:
    """Yield landmark rows of customers whose first two signals raise and lower their hazard."""
    for first in range(0, n_customers, CUSTOMERS_AT_ONCE):
        customer = np.arange(first, min(first + CUSTOMERS_AT_ONCE, n_customers))
        traits = rng.standard_normal((len(customer), 2)).astype(np.float32)
        raised = 0.6 * traits[:, 0] - 0.4 * traits[:, 1]
        hazard = MONTHLY_CHURN * np.exp(raised - (0.6**2 + 0.4**2) / 2)
        left_in = rng.geometric(np.clip(hazard, 1e-6, 0.99))
        for landmark in range(LANDMARKS):
            there = np.flatnonzero(left_in > landmark)
            signals = rng.standard_normal((len(there), n_signals), dtype=np.float32)
            signals[:, :2] = traits[there]
            yield _rows(customer[there], landmark, left_in[there], signals)


def tenures(rows: ChurnRows) -> TenureCounts:
    """Return customers at risk and exits by tenure month."""
    month = rows.clocks[:, 0].astype(np.int64)
    at_risk = np.bincount(month).astype(np.float64)
    exits = np.bincount(month[rows.exit_month == 1], minlength=len(at_risk))
    return TenureCounts(at_risk, exits.astype(np.float64))


def main() -> None:
    """Print what a fit took."""
    n_customers, n_signals, seed = (int(word) for word in sys.argv[1:4])
    limit = int(float(sys.argv[4]) * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    watch = Stopwatch()
    sampler = ChurnSampler(MONTHS_AHEAD, RowSample(seed=seed), _BESIDE)
    counts = TenureCounts(np.zeros(1), np.zeros(1))
    n_rows = n_periods = 0
    before = peak_gb()
    for rows in made_up_rows(n_customers, n_signals, np.random.default_rng(seed)):
        counts += tenures(rows)
        n_rows += len(rows.exit_month)
        n_periods += _person_periods(rows)
        with watch.timed("sampling"):
            sampler.add(rows)
    with watch.timed("sampling"):
        sample = sampler.sample()
    with watch.timed("fitting"):
        model, check = fit_hazard(
            sample,
            fit_anchor(counts),
            later_from=-_LATER_MONTHS,
            longest=MONTHS_AHEAD,
            seed=seed,
        )
    found: Json = {
        "wall_seconds": round(sum(watch.wall.values()), 1),
        "cpu_seconds": round(sum(watch.cpu.values()), 1),
        "cpu_seconds_sampling": round(watch.cpu["sampling"], 1),
        "landmark_rows": n_rows,
        "person_periods": n_periods,
        "exits": sample.n_exits,
        "rows_kept": len(sample.rows.exit_month),
        "person_periods_kept": len(sample.periods.month),
        "gb_before": round(before, 2),
        "peak_gb": round(peak_gb(), 2),
        "has_trees": model.booster is not None and check is not None,
    }
    print(json.dumps(found))


def _rows(
    customer: NDArray[np.int64], landmark: int, left_in: NDArray[np.int64], signals: Matrix
) -> ChurnRows:
    ahead = min(LANDMARKS - landmark, MONTHS_AHEAD)
    exit_month = left_in - landmark
    clocks = np.full((len(customer), 4), np.nan)
    clocks[:, :3] = landmark, 0.0, 0.0
    return ChurnRows(
        signals,
        clocks,
        np.full(len(customer), landmark - LANDMARKS),
        np.where(exit_month <= ahead, exit_month, 0),
        np.full(len(customer), ahead),
        customer.astype(np.uint64),
        np.zeros(len(customer), np.int64),
    )


def _person_periods(rows: ChurnRows) -> int:
    at_risk = np.where(rows.exit_month > 0, rows.exit_month, rows.months_observed)
    return int(np.minimum(at_risk, MONTHS_AHEAD).sum())


if __name__ == "__main__":
    main()
