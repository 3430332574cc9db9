"""Measure what campaigns bring, and write the page.

    python -m benchmarks.campaigns [--seeds 20] [--first 100]

Every seed is kept as soon as it is measured, with the commit it was measured at; what is there
already is not measured again.
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.campaigns.operators import WINDOW_MONTHS, judged_operator
from benchmarks.campaigns.page import results_page
from benchmarks.campaigns.policies import POLICIES
from benchmarks.campaigns.responses import TYPES
from benchmarks.readings import MEASURED, ROOT, stamp

FOLDER = ROOT / "benchmarks" / "campaigns"
BUDGETS = {"2%": 0.02, "5%": 0.05, "10%": 0.1, "25%": 0.25, "100%": 1.0}
"""What budgets pay for, as shares of those who may be contacted."""


def main() -> None:
    """Measure seeds that are not there yet, and write the page of all that are."""
    asked = _arguments()
    path = FOLDER / "results.json"
    readings: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    there = {reading["seed"] for reading in readings}
    for seed in range(asked.first, asked.first + asked.seeds):
        if seed in there:
            continue
        at, began = stamp(asked.date, *MEASURED, "benchmarks/campaigns/*.py"), time.process_time()
        readings.append({"seed": seed, "at": at} | _reading(seed))
        path.write_text(json.dumps(readings, indent=1) + "\n", "utf-8")
        print(f"seed {seed}: {time.process_time() - began:.0f} s of a core", flush=True)
    (FOLDER / "RESULTS.md").write_text(results_page(readings), "utf-8")


def _reading(seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        operator = judged_operator(seed, Path(folder))
    truth, n_customers = operator.truth, len(operator.candidates)
    kinds = np.bincount(truth.kind, minlength=len(TYPES)) / n_customers
    found = {
        "customers": n_customers,
        "types": dict(zip(TYPES, kinds.round(4).tolist(), strict=True)),
        "true": {
            "save_rate": truth.saved_share(WINDOW_MONTHS),
            "disturbed_share": truth.disturbed_share(WINDOW_MONTHS),
            "acceptance": float(truth.acceptance.mean()),
        },
        "learned": operator.taught.source,
        "profit": {},
        "contacts": {},
    }
    for budget, share in BUDGETS.items():
        places, rng = round(share * n_customers), np.random.default_rng([seed, 10])
        chosen = {name: each(operator, places, rng) for name, each in POLICIES.items()}
        found["profit"][budget] = {
            name: float(truth.profit[contacts].sum()) for name, contacts in chosen.items()
        }
        found["contacts"][budget] = {name: int(each.sum()) for name, each in chosen.items()}
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many operators")
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
