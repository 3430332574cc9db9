"""Measure the service beside its peers, and write the tables.

    python -m benchmarks.service [--only score ingest ...] [--skip soak ...]

Parts run one after the other, each against servers of its own on loopback. What a part found
replaces what it found before in results.json, so that parts can be run again alone; the page is
written from all that are there.
"""

import argparse
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.readings import ROOT, keep_readings, kept_readings
from benchmarks.service.page import results_page
from benchmarks.service.parts import PARTS

FOLDER = ROOT / "benchmarks" / "service"
CACHE = ROOT / "benchmarks" / ".cache" / "service"


def main() -> None:
    """Run the parts that are asked for, keep every reading at once, and write the page."""
    asked = arguments()
    chosen = {
        name: partial(part, asked.cache, asked.seconds)
        for name, part in PARTS.items()
        if name not in asked.skip and (not asked.only or name in asked.only)
    }
    keep_readings(chosen, asked.results, asked.date)
    page = results_page(kept_readings(asked.results))
    asked.results.with_name("RESULTS.md").write_text(page)


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


if __name__ == "__main__":
    main()
