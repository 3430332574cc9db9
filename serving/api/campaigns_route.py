"""GET /v1/campaigns: rules, budgets, control groups and measured effects."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from features.instants import datetime_of
from features.mistakes import Mistake
from serving.api.answers import CampaignAnswer, CampaignsAnswer, CampaignStatus, GlobalControl
from serving.api.current import Current
from serving.api.problems import UNKNOWN_CAMPAIGN, Problem
from serving.campaigns.overview import content_of, global_control, standing_of_campaigns
from serving.configuration import rulebook_of
from serving.workspace import Workspace, name_of_file

_NOT_MEASURED = "measured is null: run `keepworth campaigns report {name}`"
_NOT_READABLE = "measured is null: what was written cannot be read; {way_out}"


def answer_campaigns(current: Current) -> CampaignsAnswer:
    """Return how every campaign stands, in the order of the configuration."""
    workspace = current.workspace
    return CampaignsAnswer(
        currency=workspace.configuration.business.currency,
        campaigns=_statuses(workspace, datetime_of(current.clock())),
        global_control=msgspec.convert(
            global_control(workspace.store, rulebook_of(workspace.configuration)), GlobalControl
        ),
    )


def answer_campaign(current: Current, name: str) -> CampaignAnswer:
    """Return one campaign whole.

    Raises
    ------
    Problem
        404 where the configuration has none of that name.
    """
    workspace = current.workspace
    known = {campaign.name: campaign for campaign in workspace.configuration.campaigns}
    if name not in known:
        expected = f"expected one of {', '.join(known)}" if known else "there are none"
        mistake = Mistake("name", repr(name[:80]), expected)
        raise Problem(UNKNOWN_CAMPAIGN, f"{mistake}.", [mistake])
    standing = _statuses(workspace, datetime_of(current.clock()))
    measured, warnings = _measured(workspace.folder, name)
    return CampaignAnswer(
        currency=workspace.configuration.business.currency,
        rules=known[name].model_dump(mode="json"),
        status=next(each for each in standing if each.campaign == name),
        measured=measured,
        warnings=warnings,
    )


def _statuses(workspace: Workspace, now: datetime) -> list[CampaignStatus]:
    book = rulebook_of(workspace.configuration)
    found = standing_of_campaigns(workspace.store, book, now)
    return [msgspec.convert(content_of(each), CampaignStatus) for each in found]


def _measured(folder: Path, name: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Return what `keepworth campaigns report` measured last, or why there is nothing."""
    file = folder / "reports" / "campaigns" / f"{name_of_file(name)}.json"
    way_out = _NOT_MEASURED.format(name=name)
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any]), []
    except FileNotFoundError:
        return None, [way_out]
    except (OSError, msgspec.DecodeError):
        return None, [_NOT_READABLE.format(way_out=way_out.partition(": ")[2])]
