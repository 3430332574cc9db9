"""What was measured: when, at which commit, on what machine; kept part by part."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.features.machine import described_machine

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
MEASURED = ("features", "valuation", "training", "serving")
"""Folders whose files decide what is measured."""


def keep_readings(
    parts: Mapping[str, Callable[[], Iterable[Json]]], results: Path, date: str
) -> None:
    """Run parts one by one; what a part finds takes the place of its old readings at once."""
    for name, part in parts.items():
        began = time.monotonic()
        print(f"{name} ...", flush=True)
        readings: list[Json] = []
        found = {
            "at": stamp(date, *MEASURED),
            "machine": described_machine(),
            "readings": readings,
        }
        for reading in part():
            readings.append(reading)
            results.write_text(_written(kept_readings(results) | {name: found}))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


def kept_readings(results: Path) -> Json:
    """Return what is kept of each part, by its name."""
    return json.loads(results.read_text()) if results.exists() else {}


def _written(results: Json) -> str:
    """Return JSON with one innermost object a line."""
    text = json.dumps(results, indent=1, allow_nan=False)
    return re.sub(r"\{[^{}]*\}", lambda found: re.sub(r"\s*\n\s*", " ", found[0]), text) + "\n"


def stamp(date: str, *folders: str) -> dict[str, Any]:
    """Return the date, the commit, and whether files in the folders measured differ from it."""
    return {
        "date": date,
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", *folders)),
    }


def _git(*words: str) -> str:
    done = subprocess.run(  # noqa: S603 -- fixed words
        ["git", *words],  # noqa: S607 -- whichever git the user has
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
