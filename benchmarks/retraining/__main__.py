"""Measure what retraining and monitoring promise, and write the tables.

    python -m benchmarks.retraining [--only drift years]

What a part found replaces what it found before in results.json, so that parts can be run again
alone; the page is written from all that are there.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.features.machine import described_machine
from benchmarks.readings import ROOT, stamp
from benchmarks.retraining.drift import drift_readings
from benchmarks.retraining.page import results_page
from benchmarks.retraining.years import two_years

Json = dict[str, Any]
FOLDER = ROOT / "benchmarks" / "retraining"
CACHE = ROOT / "benchmarks" / ".cache" / "retraining"
PARTS: dict[str, Callable[[Path], Iterator[Json]]] = {"drift": drift_readings, "years": two_years}


def main() -> None:
    """Run the parts that are asked for, keep every reading at once, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    asked = parser.parse_args()
    stored = FOLDER / "results.json"
    for name in asked.only:
        at = stamp(f"{datetime.now(UTC):%Y-%m-%d}", "features", "valuation", "training", "serving")
        readings: list[Json] = []
        found = {"at": at, "machine": described_machine(), "readings": readings}
        for reading in PARTS[name](CACHE):
            print(reading, flush=True)
            readings.append(reading)
            results = json.loads(stored.read_text()) if stored.exists() else {}
            stored.write_text(json.dumps(results | {name: found}, indent=1) + "\n")
    if stored.exists():
        (FOLDER / "RESULTS.md").write_text(results_page(json.loads(stored.read_text())))


if __name__ == "__main__":
    main()
