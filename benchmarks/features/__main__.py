"""Measure the feature engine beside its peers, and write the tables.

    python -m benchmarks.features [--sizes 1000000 3000000 ...] [--skip spark ...] [--only online]

Every part leaves its readings in `results.json` beside the page, which is written from all that are
there, so that a part can be run again alone.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.features.machine import described_machine
from benchmarks.features.measuring import ROOT, Json
from benchmarks.features.page import results_page
from benchmarks.features.parts import PARTS, Plan
from benchmarks.readings import stamp

SIZES = (1_000_000, 3_000_000, 10_000_000, 30_000_000)
FOLDER = ROOT / "benchmarks" / "features"
CACHE = ROOT / "benchmarks" / ".cache" / "features"


def main() -> None:
    """Take the readings that are asked for, and write results and page from all."""
    asked = arguments()
    plan = Plan(tuple(sorted(asked.sizes)), asked.cache, asked.seed, asked.repetitions, asked.runs)
    file = asked.page.parent / "results.json"
    parts: Json = json.loads(file.read_text())["parts"] if file.exists() else {}
    for name, part in PARTS.items():
        if name in asked.skip or (asked.only and name not in asked.only):
            continue
        began = time.monotonic()
        print(f"{name} ...", flush=True)
        taken: Json = {"part": name, "at": stamp(asked.date, "features"), "seed": asked.seed}
        parts[name] = taken | {"readings": list(part(plan))}
        results = {"machine": described_machine(), "parts": parts}
        file.write_text(json.dumps(results, indent=1) + "\n")
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    asked.page.write_text(results_page(json.loads(file.read_text())))
    print(f"written: {asked.page}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--skip", choices=PARTS, nargs="+", default=[])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=[])
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--page", type=Path, default=FOLDER / "RESULTS.md")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repetitions", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3, help="runs of each size up to 3M events")
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
