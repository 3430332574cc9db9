"""What outcomes taught of campaigns: how customers answer, in place of what was assumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.exit_kinds import WITHIN_MONTHS
from training.uplift.response_files import load_response
from training.uplift.responses import CampaignResponse


@dataclass(frozen=True)
class Taught:
    """Hold the response of a campaign, and the names of the signals that it asks for.

    `months` is how long its outcomes were awaited: its rates are of who leaves within them.
    """

    response: CampaignResponse
    signals: tuple[str, ...]
    months: int = WITHIN_MONTHS


def read_taught(folders: Mapping[str, Path]) -> dict[str, Taught]:
    """Return what `keepworth campaigns learn` wrote, by campaign; those without are left out.

    Raises
    ------
    InputRefusedError
        If a file is not the one that was written.
    """
    read = {name: load_response(folder) for name, folder in folders.items()}
    return {
        name: Taught(found[0], tuple(found[1]), found[2].months)
        for name, found in read.items()
        if found is not None
    }
