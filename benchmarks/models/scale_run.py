"""One fit of the hazard on made-up landmark rows, in a process of its own.

    python -m benchmarks.models.scale_run CUSTOMERS SIGNALS SEED LIMIT_GB

Everybody is there from the first of 24 landmarks until they leave; two of the signals are true, so
that trees find something. Features are excluded: rows are there before the clock starts.
"""

import json
import resource
import sys
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.features.measuring import Json, peak_gb
from training.anchor import TenureCounts, fit_anchor
from training.boosting import RowSample
from training.hazard import ChurnRows, fit_hazard

LANDMARKS = 24
MONTHS_AHEAD = 12
MONTHLY_CHURN = 0.01
_LATER_MONTHS = 2


def made_up_rows(n_customers: int, n_signals: int, rng: np.random.Generator) -> ChurnRows:
    """Return landmark rows of customers whose first two signals raise and lower their hazard."""
    traits = rng.standard_normal((n_customers, 2)).astype(np.float32)
    raised = 0.6 * traits[:, 0] - 0.4 * traits[:, 1]
    hazard = MONTHLY_CHURN * np.exp(raised - (0.6**2 + 0.4**2) / 2)
    left_in = rng.geometric(np.clip(hazard, 1e-6, 0.99))
    customer, landmark = _there(left_in)
    ahead = np.minimum(LANDMARKS - landmark, MONTHS_AHEAD)
    exit_month = left_in[customer] - landmark
    signals = rng.standard_normal((len(customer), n_signals), dtype=np.float32)
    signals[:, :2] = traits[customer]
    clocks = np.zeros((len(customer), 4))
    clocks[:, 0] = landmark
    clocks[:, 3] = np.nan
    return ChurnRows(
        signals,
        clocks,
        landmark - LANDMARKS,
        np.where(exit_month <= ahead, exit_month, 0),
        ahead,
    )


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
    rows = made_up_rows(n_customers, n_signals, np.random.default_rng(seed))
    before = peak_gb()
    began = time.perf_counter(), time.process_time()
    model, check = fit_hazard(
        rows,
        fit_anchor(tenures(rows)),
        later_from=-_LATER_MONTHS,
        longest=MONTHS_AHEAD,
        sample=RowSample(seed=seed),
    )
    found: Json = {
        "wall_seconds": round(time.perf_counter() - began[0], 1),
        "cpu_seconds": round(time.process_time() - began[1], 1),
        "landmark_rows": len(rows.exit_month),
        "person_periods": _person_periods(rows),
        "exits": rows.n_exits,
        "gb_of_rows": round(sum(part.nbytes for part in _arrays(rows)) / 1e9, 2),
        "gb_before": round(before, 2),
        "peak_gb": round(peak_gb(), 2),
        "has_trees": model.booster is not None and check is not None,
    }
    print(json.dumps(found))


def _there(left_in: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return customer and landmark (0 to 23) of every landmark at which somebody is there."""
    seen = np.minimum(left_in, LANDMARKS)
    customer = np.repeat(np.arange(len(seen)), seen)
    first = np.concatenate([[0], np.cumsum(seen)])[:-1]
    return customer, np.arange(len(customer)) - first[customer]


def _person_periods(rows: ChurnRows) -> int:
    at_risk = np.where(rows.exit_month > 0, rows.exit_month, rows.months_observed)
    return int(np.minimum(at_risk, MONTHS_AHEAD).sum())


def _arrays(rows: ChurnRows) -> tuple[NDArray[np.generic], ...]:
    return rows.signals, rows.clocks, rows.landmark, rows.exit_month, rows.months_observed


if __name__ == "__main__":
    main()
