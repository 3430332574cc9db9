"""Measure what campaigns bring, and write the page.

    python -m benchmarks.campaigns [--seeds 20] [--first 100]

Every seed is kept as soon as it is measured; what is there already is not measured again.
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.campaigns.operators import judged_operator
from benchmarks.campaigns.page import results_page
from benchmarks.campaigns.policies import POLICIES, profit_of
from benchmarks.features.measuring import ROOT
from benchmarks.readings import stamp

FOLDER = ROOT / "benchmarks" / "campaigns"
MEASURED = ("features", "valuation", "training", "serving")
BUDGETS = {"2%": 0.02, "5%": 0.05, "10%": 0.1, "25%": 0.25, "100%": 1.0}
"""What budgets pay for, as shares of the customers there are."""


def main() -> None:
    """Measure seeds that are not there yet, and write the page of all that are."""
    asked = _arguments()
    path = FOLDER / "results.json"
    results: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    part = results.setdefault("policies", {"at": "", "readings": []})
    there = {reading["seed"] for reading in part["readings"]}
    for seed in range(asked.first, asked.first + asked.seeds):
        if seed in there:
            continue
        began = time.monotonic()
        part["readings"].append(_reading(seed))
        part["at"] = stamp(asked.date, *MEASURED)
        path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        (FOLDER / "RESULTS.md").write_text(results_page(results), "utf-8")
        print(f"seed {seed}: {time.monotonic() - began:.0f} s", flush=True)


def _reading(seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        operator = judged_operator(seed, Path(folder))
    rng, n_customers = np.random.default_rng([seed, 10]), len(operator.candidates)
    rankings = {name: policy(operator, rng) for name, policy in POLICIES.items()}
    return {
        "seed": seed,
        "customers": n_customers,
        "profit": {
            budget: {
                name: profit_of(ranking, round(share * n_customers), operator)
                for name, ranking in rankings.items()
            }
            for budget, share in BUDGETS.items()
        },
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many operators")
    parser.add_argument("--first", type=int, default=100, help="the first seed")
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
