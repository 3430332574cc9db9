"""Judge uplift learners on two experiments, and intervals on made-up ones; write the tables.

    python -m benchmarks.uplift [--data FOLDER] [--seed 0]

An experiment whose files are not there is left out.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.readings import ROOT, stamp
from benchmarks.uplift.coverage import readings
from benchmarks.uplift.data_sets import DATA, experiments
from benchmarks.uplift.judging import reading
from benchmarks.uplift.page import results_page

FOLDER = ROOT / "benchmarks" / "uplift"


def main() -> None:
    """Read the command line, measure, and write `RESULTS.md` and `results.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}")
    asked = parser.parse_args()
    results = {"at": stamp(asked.date, "valuation", "training"), "seed": asked.seed}
    results["experiments"] = []
    for experiment in experiments(asked.data):
        began = time.monotonic()
        results["experiments"].append(reading(experiment, asked.seed))
        print(
            f"{experiment.name}, {experiment.outcome}: {time.monotonic() - began:.0f} s", flush=True
        )
    results["coverage"] = readings(asked.seed)
    (asked.folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (asked.folder / "RESULTS.md").write_text(results_page(results))


if __name__ == "__main__":
    main()
