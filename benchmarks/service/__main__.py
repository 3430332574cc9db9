"""Measure the service beside its peers, and write the tables.

    python -m benchmarks.service [--only score ingest ...] [--skip soak ...]

Parts run one after the other, each against servers of its own on loopback. What a part found
replaces what it found before in results.json, so that parts can be run again alone; the page is
written from all that are there.
"""

import argparse
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.features.machine import described_machine
from benchmarks.features.measuring import ROOT, Json
from benchmarks.readings import stamp
from benchmarks.service.page import results_page
from benchmarks.service.parts import PARTS

FOLDER = ROOT / "benchmarks" / "service"
CACHE = ROOT / "benchmarks" / ".cache" / "service"
MEASURED = ("features", "valuation", "training", "serving")


def main() -> None:
    """Run the parts that are asked for, keep every reading at once, and write the page."""
    asked = arguments()
    for name, part in PARTS.items():
        if name in asked.skip or (asked.only and name not in asked.only):
            continue
        began = time.monotonic()
        print(f"{name} ...", flush=True)
        at = stamp(asked.date, *MEASURED)
        readings: list[Json] = []
        found = {"at": at, "machine": described_machine(), "readings": readings}
        for reading in part(asked.cache, asked.seconds):
            readings.append(reading)
            asked.results.write_text(_written(_stored(asked.results) | {name: found}))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    asked.results.with_name("RESULTS.md").write_text(results_page(_stored(asked.results)))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skip", choices=PARTS, nargs="+", default=[])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=[])
    parser.add_argument("--seconds", type=float, default=8.0, help="of each load but the soak")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--results", type=Path, default=FOLDER / "results.json")
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}")
    return parser.parse_args()


def _stored(path: Path) -> Json:
    return json.loads(path.read_text()) if path.exists() else {}


def _written(results: Json) -> str:
    """Return JSON with one innermost object a line."""
    ordered = {name: results[name] for name in PARTS if name in results}
    text = json.dumps(ordered, indent=1, allow_nan=False)
    return re.sub(r"\{[^{}]*\}", lambda found: re.sub(r"\s*\n\s*", " ", found[0]), text) + "\n"


if __name__ == "__main__":
    main()
