"""Measure what retraining and monitoring promise, and write the tables.

    python -m benchmarks.retraining [--only drift years]

What a part found replaces what it found before in results.json, so that parts can be run again
alone; the page is written from all that are there.
"""

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.readings import ROOT, Json, keep_readings, kept_readings
from benchmarks.retraining.drift import drift_readings
from benchmarks.retraining.page import results_page
from benchmarks.retraining.years import two_years

FOLDER = ROOT / "benchmarks" / "retraining"
CACHE = ROOT / "benchmarks" / ".cache" / "retraining"
PARTS: dict[str, Callable[[Path], Iterator[Json]]] = {"drift": drift_readings, "years": two_years}


def main() -> None:
    """Run the parts that are asked for, keep every reading at once, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    asked = parser.parse_args()
    chosen = {name: partial(PARTS[name], CACHE) for name in asked.only}
    stored = FOLDER / "results.json"
    keep_readings(chosen, stored, f"{datetime.now(UTC):%Y-%m-%d}")
    (FOLDER / "RESULTS.md").write_text(results_page(kept_readings(stored)))


if __name__ == "__main__":
    main()
