"""What outcomes taught of campaigns: how customers answer, in place of what was assumed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.mistakes import InputRefusedError
from training.exit_kinds import WITHIN_MONTHS
from training.uplift.response_files import load_response
from training.uplift.responses import CampaignResponse

logger = logging.getLogger("keepworth.campaigns")


@dataclass(frozen=True)
class Taught:
    """Hold the response of a campaign, and the names of the signals that it asks for.

    `months` is how long its outcomes were awaited: its rates are of who leaves within them.
    """

    response: CampaignResponse
    signals: tuple[str, ...]
    months: int = WITHIN_MONTHS


class TaughtNow:
    """Know what outcomes taught of campaigns as it lies on disk now; one thread a time.

    The mapping returned stays the same one as long as nothing was learned anew.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Read it; raises as `read_taught` does."""
        self._files = files
        self._stamps = self._stamps_now()
        self._taught = read_taught(files)

    def __call__(self) -> Mapping[str, Taught]:
        """Return it; what is just being replaced or cannot be read leaves what was known."""
        stamps = self._stamps_now()
        if stamps != self._stamps:
            try:
                self._taught = read_taught(self._files)
            except (OSError, ValueError, InputRefusedError) as error:
                logger.warning("What was learned of campaigns goes on unchanged: %s", error)
            else:
                self._stamps = stamps
        return self._taught

    def _stamps_now(self) -> list[tuple[int, int] | None]:
        return [_stamp(file) for file in self._files.values()]


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from the one that takes its place; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def read_taught(files: Mapping[str, Path]) -> dict[str, Taught]:
    """Return what `keepworth campaigns learn` wrote, by campaign; those without are left out.

    Raises
    ------
    InputRefusedError
        If a file is not the one that was written.
    """
    read = {name: load_response(file) for name, file in files.items()}
    return {
        name: Taught(found[0], tuple(found[1]), found[2].months)
        for name, found in read.items()
        if found is not None
    }
