"""`keepworth campaigns`: list them, check one against the past, decide for a night."""

from datetime import UTC, datetime
from pathlib import Path

from features.ingest.lock import writing
from features.mistakes import InputRefusedError, Mistake, NotFoundError
from features.months import shift_months
from serving.campaigns.campaign import Campaign
from serving.campaigns.candidates import Judge
from serving.campaigns.decisions import Rulebook
from serving.campaigns.night import decide_night
from serving.campaigns.overview import content_of, global_control, standing_of_campaigns
from serving.campaigns.replay import replayed
from serving.commands.answer import Answer
from serving.commands.campaign_tables import (
    contacts_of,
    figures_of,
    show_check,
    show_list,
    show_night,
)
from serving.commands.progress import progress_bar
from serving.configuration import rulebook_of
from serving.store.serving_version import load_version
from serving.workspace import Workspace, open_workspace
from training.known import observed_bounds


def list_campaigns(path: Path | None) -> Answer:
    """Show every campaign, what it has decided so far, and whether its control group is sound."""
    workspace = open_workspace(path)
    currency = workspace.configuration.business.currency
    book = rulebook_of(workspace.configuration)
    found = standing_of_campaigns(workspace.store, book, datetime.now(UTC))
    content = {
        "currency": currency,
        "campaigns": [content_of(each) for each in found],
        "global_control": global_control(workspace.store, book),
    }
    return Answer(content, lambda console: show_list(console, content))


def check_campaign(path: Path | None, name: str, months: int) -> Answer:
    """Show whom a campaign would have contacted over the past months, and at what cost."""
    workspace = open_workspace(path)
    campaign = named(workspace, name)
    bundle = load_version(workspace.store)
    judge = Judge([campaign], bundle, workspace.taught(name))
    book = rulebook_of(workspace.configuration)
    alone = Rulebook((campaign,), book.rules, book.minor_units)
    since, until = observed_bounds(workspace.log(), bundle.business)
    month = bundle.business.month
    instants = (int(shift_months(until, -back, month)) for back in range(months, -1, -1))
    kept = [instant for instant in instants if instant > since]
    if len(kept) < 2:
        raise InputRefusedError("history is too short to check against", [_too_short(months)])
    with progress_bar() as tell:
        nights = replayed(workspace.log(), judge, alone, kept, tell)
    currency = bundle.business.currency
    content = {
        "campaign": name,
        "currency": currency,
        "model_version": bundle.version,
        "save_rate": judge.save_rate(campaign)._asdict(),
        "instants": [
            {"as_of": night.as_of.isoformat()} | figures_of(night.decisions, campaign, book)
            for night in nights
        ],
        "contacts": contacts_of(nights[-1].decisions),
    }
    return Answer(content, lambda console: show_check(console, campaign, content))


def run_night(path: Path | None) -> Answer:
    """Decide for tonight, once: who is contacted, who is in a control group, why nobody else."""
    workspace = open_workspace(path)
    bundle = load_version(workspace.store)
    book, now = rulebook_of(workspace.configuration), datetime.now(UTC)
    with writing(workspace.state), progress_bar() as tell:
        night = decide_night(workspace.store, bundle, book, now, tell, workspace.taught())
    currency = bundle.business.currency
    content = {
        "night": night.occasion,
        "as_of": night.as_of.isoformat(),
        "model_version": bundle.version,
        "currency": currency,
        "already_decided": night.repeated,
        "campaigns": [
            {"campaign": each.name, "save_rate": night.save_rates[each.name]._asdict()}
            | figures_of(night.decisions, each, book)
            for each in night.campaigns
        ],
        "contacts": contacts_of(night.decisions),
    }
    return Answer(content, lambda console: show_night(console, night.campaigns, content))


def named(workspace: Workspace, name: str) -> Campaign:
    """Return a campaign by its name.

    Raises
    ------
    NotFoundError
        If there is none; the known ones are named.
    """
    known = {campaign.name: campaign for campaign in workspace.configuration.campaigns}
    if name in known:
        return known[name]
    expected = f"expected one of {', '.join(known)}" if known else "keepworth.toml has none yet"
    raise NotFoundError("there is no such campaign", [Mistake("campaign", repr(name), expected)])


def _too_short(months: int) -> Mistake:
    expected = "expected at least a month of observation before its end"
    return Mistake("--months", str(months), expected)
