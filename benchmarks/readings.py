"""When and at which commit something was measured."""

import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


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
