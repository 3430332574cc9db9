"""The decisions of a night: the portfolio judged, and every customer decided of once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from features.instants import datetime_of
from features.log import Log
from serving.campaigns.answers import SaveRate
from serving.campaigns.campaign import NIGHT, Campaign
from serving.campaigns.candidates import Judge
from serving.campaigns.decisions import Decision, Rulebook
from serving.campaigns.ledger import settle
from serving.campaigns.portfolio import Tell, portfolio_candidates
from serving.campaigns.taught import Taught
from serving.store.database import LiveStore
from serving.store.draining import drain
from serving.store.live_events import latest_instant
from training.bundle import Bundle
from training.known import observed_bounds


@dataclass(frozen=True)
class Night:
    """Hold what was decided: `repeated` customers had their decision of this night already.

    `save_rates` are by campaign those that were decided by.
    """

    occasion: str
    as_of: datetime
    campaigns: tuple[Campaign, ...]
    decisions: tuple[Decision, ...]
    repeated: int
    save_rates: Mapping[str, SaveRate]


def decide_night(  # noqa: PLR0913, PLR0917 -- what a night rests on
    store: LiveStore,
    bundle: Bundle,
    book: Rulebook,
    now: datetime,
    tell: Tell = lambda _what, _share: None,
    taught: Mapping[str, Taught] | None = None,
) -> Night:
    """Decide of the portfolio for the night of `now`; the caller holds the workspace.

    What was posted is drained first, so that it is known. A night is the date by the clock of the
    rules: whoever was decided of on it, by an earlier run, is not decided of again.
    """
    drain(store, now)
    log = Log.open(store.state)
    as_of = known_until(store, log, bundle)
    occasion = f"night {now.astimezone(ZoneInfo(book.rules.time_zone)):%Y-%m-%d}"
    live = book.live(now, NIGHT)
    judge = Judge(live.campaigns, bundle, taught)
    found = portfolio_candidates(log, judge, as_of, occasion, tell) if live.campaigns else []
    settled = settle(store, log, {each.decision_id: each for each in found}, live, now)
    return Night(
        occasion,
        datetime_of(as_of),
        live.campaigns,
        settled.decisions,
        settled.repeated,
        {each.name: judge.save_rate(each) for each in live.campaigns},
    )


def known_until(store: LiveStore, log: Log, bundle: Bundle) -> int:
    """Return the instant that scores by id stand at.

    The end of observation, or just after the last event that was posted.
    """
    with store.reading() as connection:
        posted = latest_instant(connection)
    return max(observed_bounds(log, bundle.business)[1], posted + 1)
