"""Replay: what a campaign would have decided at past instants, had it run, without any trace."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

from features.instants import datetime_of
from features.log import Log
from serving.campaigns.assignments import assignments_of
from serving.campaigns.budgets import left_of, reserved_by
from serving.campaigns.campaign import NIGHT, Campaign
from serving.campaigns.candidates import Candidate, Judge
from serving.campaigns.contacts import Contacts
from serving.campaigns.decisions import Decision, Rulebook, Standing, decide
from serving.campaigns.portfolio import Tell, candidates_after_events, portfolio_candidates


@dataclass(frozen=True)
class ReplayedNight:
    """Hold what would have been decided at a past instant."""

    as_of: datetime
    decisions: tuple[Decision, ...]


@dataclass
class Memory:
    """Remember decisions as the live store would, for as long as a replay lasts."""

    chosen: defaultdict[str, list[tuple[str, datetime]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    arms: dict[tuple[str, str], str] = field(default_factory=dict)
    reserved: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def standing(self, book: Rulebook, now: datetime) -> Standing:
        """Return what bears on decisions of an instant."""
        left = {each.name: left_of(each, book, self.reserved, now) for each in book.campaigns}
        return Standing(self.chosen, self.arms, left)

    def keep(self, decisions: Iterable[Decision], book: Rulebook, now: datetime) -> None:
        """Remember decisions, with the arms they gave and the budget they took."""
        made = list(decisions)
        for decision in made:
            if decision.option:
                customer_id = decision.candidate.customer_id
                self.chosen[customer_id].append((decision.option.campaign, now))
            for each in assignments_of(decision, book):
                self.arms.setdefault((each.campaign, each.customer_id), each.arm)
        for place, amount in reserved_by(made, book, now).items():
            self.reserved[place] += amount


def replayed(
    log: Log,
    judge: Judge,
    book: Rulebook,
    instants: Sequence[int],
    tell: Tell = lambda _what, _share: None,
) -> list[ReplayedNight]:
    """Return what the one campaign of a rulebook would have decided at instants, in their order.

    Signals and scores are those of what was known then. A campaign that waits for events is judged
    for the customers who had one since the instant before; so the first of `instants` only begins.
    """
    [campaign] = book.campaigns
    memory, nights = Memory(), []
    for number, (since, as_of) in enumerate(pairwise(instants), start=1):
        now = datetime_of(as_of)
        candidates = _candidates(log, judge, campaign, since, as_of)
        decisions = decide(candidates, book, memory.standing(book, now), now)
        memory.keep(decisions, book, now)
        nights.append(ReplayedNight(now, tuple(decisions)))
        tell(f"as known on {now:%Y-%m-%d}", number / (len(instants) - 1))
    return nights


def _candidates(
    log: Log, judge: Judge, campaign: Campaign, since: int, as_of: int
) -> list[Candidate]:
    if NIGHT in campaign.on:
        found = portfolio_candidates(log, judge, as_of, "replay")
    else:
        found = candidates_after_events(log, judge, list(campaign.on), since, as_of)
    return [replace(each, contacts=_of_others(each, campaign)) for each in found]


def _of_others(candidate: Candidate, campaign: Campaign) -> Contacts:
    """Return the contacts of other campaigns: of its own, a replay knows those it makes."""
    return [each for each in candidate.contacts if each[0] != campaign.name]
