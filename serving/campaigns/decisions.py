"""Decisions: who is contacted by which campaign, who is in a control group, and why nobody else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from serving.campaigns.campaign import GLOBAL, Campaign, ContactRules
from serving.campaigns.candidates import Candidate, Option
from serving.campaigns.contacts import with_decided
from serving.campaigns.control import CONTROL, arm_of, draw_of
from serving.campaigns.verdicts import Before, verdict_on
from valuation.arbitration import NOTHING, best_contacts

Outcome = Literal["contact", "control", "global_control", "nothing"]
CHOSEN: tuple[Outcome, ...] = ("contact", "control", "global_control")
"""Outcomes of whoever was chosen; control groups are chosen too, and then let be."""
BUDGET = "budget spent"
OUTBID = "another campaign brings more"
TAKEN = "chosen"
REASONS: dict[Outcome, str] = {
    "contact": "brings most",
    "control": "in the control group",
    "global_control": "in the control group of all campaigns",
}
_UNLIMITED = 2**62


@dataclass(frozen=True)
class Standing:
    """Hold what was decided before: it bears on what may be decided now.

    `chosen` is by customer the campaigns that chose them, with the instant (also of those in a
    control group, so that arms have the same chances later); `arms` are by campaign and customer,
    as first assigned; `left` is what budgets still hold, in minor units, None without a budget.
    """

    chosen: Mapping[str, Sequence[tuple[str, datetime]]] = field(default_factory=dict)
    arms: Mapping[tuple[str, str], str] = field(default_factory=dict)
    left: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Rulebook:
    """Hold the campaigns that run, and what holds for all of them.

    `minor_units` is how many make a unit of the currency.
    """

    campaigns: tuple[Campaign, ...]
    rules: ContactRules
    minor_units: int

    def live(self, now: datetime, occasion: str) -> "Rulebook":
        """Return the rulebook of the campaigns that run now and wait for this kind of occasion."""
        kept = tuple(each for each in self.campaigns if each.is_live(now) and occasion in each.on)
        return Rulebook(kept, self.rules, self.minor_units)

    def reserved(self, campaign: Campaign) -> int:
        """Return what one contact may cost at most, in minor units, rounded up."""
        return math.ceil(round(campaign.reserved * self.minor_units, 6))

    def memory(self) -> timedelta:
        """Return how long ago a contact may lie and still count."""
        days = [each.cooldown_days for each in self.campaigns]
        return timedelta(days=max([*days, self.rules.within_days]))


@dataclass(frozen=True)
class Decision:
    """Hold what was decided of a candidate; `verdicts` say of every option why, or why not.

    `option` is the one chosen, also for a control group; `draw` the random number that chose the
    arm; `reserved` is in minor units.
    """

    candidate: Candidate
    outcome: Outcome
    reason: str
    verdicts: tuple[str, ...]
    option: Option | None = None
    draw: float | None = None
    reserved: int = 0


def decide(
    candidates: Sequence[Candidate], book: Rulebook, standing: Standing, now: datetime
) -> list[Decision]:
    """Decide of every candidate, in order: at most one campaign each, or nothing.

    Whoever is in a control group is chosen just as the others are, and takes no budget. Budgets
    are never passed: what is reserved is what a contact may cost at most.
    """
    verdicts = [_verdicts(each, book, standing, now) for each in candidates]
    arms = [_arms(each.customer_id, book, standing) for each in candidates]
    profit = _profit(candidates, verdicts, book)
    pays = np.array([[outcome == "contact" for outcome, _ in own] for own in arms], dtype=bool)
    places = np.array([_places(each, book, standing) for each in book.campaigns], dtype=np.int64)
    chosen = best_contacts(profit, places, pays.reshape(profit.shape))
    return [
        _nothing(candidate, said)
        if place == NOTHING
        else _taken(candidate, said, book, book.campaigns[place], own[place])
        for candidate, said, own, place in zip(candidates, verdicts, arms, chosen, strict=True)
    ]


_Arm = tuple[Outcome, float]


def _verdicts(
    candidate: Candidate, book: Rulebook, standing: Standing, now: datetime
) -> tuple[str, ...]:
    by_name = {campaign.name: campaign for campaign in book.campaigns}
    decided = standing.chosen.get(candidate.customer_id, ())
    before = Before(with_decided(decided, candidate.contacts), book.rules, now)
    return tuple(
        verdict_on(candidate, option, by_name[option.campaign], before)
        for option in candidate.options
    )


def _profit(
    candidates: Sequence[Candidate], verdicts: Sequence[Sequence[str]], book: Rulebook
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return expected profits, shape (n_candidates, n_campaigns); NaN where there is a verdict."""
    names = [campaign.name for campaign in book.campaigns]
    profit = np.full((len(candidates), len(names)), np.nan)
    for row, (candidate, said) in enumerate(zip(candidates, verdicts, strict=True)):
        for option, verdict in zip(candidate.options, said, strict=True):
            if not verdict:
                profit[row, names.index(option.campaign)] = option.expected_profit
    return profit


def _arms(customer_id: str, book: Rulebook, standing: Standing) -> list[_Arm]:
    """Return what becomes of a customer whom each campaign chooses, and the draw that says so."""
    of_all = draw_of(GLOBAL, customer_id)
    if _is_control(GLOBAL, customer_id, of_all, book.rules.global_control_share, standing):
        return [("global_control", of_all)] * len(book.campaigns)
    found: list[_Arm] = []
    for campaign in book.campaigns:
        draw = draw_of(campaign.name, customer_id)
        share = campaign.control_share
        is_control = _is_control(campaign.name, customer_id, draw, share, standing)
        found.append(("control" if is_control else "contact", draw))
    return found


def _is_control(
    group: str, customer_id: str, draw: float, share: float, standing: Standing
) -> bool:
    """Return whether a customer is in a control group: the arm first assigned, or by the draw."""
    return (standing.arms.get((group, customer_id)) or arm_of(draw, share)) == CONTROL


def _places(campaign: Campaign, book: Rulebook, standing: Standing) -> int:
    left, each = standing.left.get(campaign.name), book.reserved(campaign)
    return _UNLIMITED if left is None or not each else max(left // each, 0)


def _nothing(candidate: Candidate, said: Sequence[str]) -> Decision:
    """Decide to do nothing, for the reason that keeps back the option that would bring most."""
    verdicts = tuple(verdict or BUDGET for verdict in said)
    profits = [option.expected_profit for option in candidate.options]
    return Decision(candidate, "nothing", verdicts[profits.index(max(profits))], verdicts)


def _taken(
    candidate: Candidate, said: Sequence[str], book: Rulebook, campaign: Campaign, arm: _Arm
) -> Decision:
    outcome, draw = arm
    names = [option.campaign for option in candidate.options]
    verdicts = tuple(
        verdict or (TAKEN if name == campaign.name else OUTBID)
        for name, verdict in zip(names, said, strict=True)
    )
    option = candidate.options[names.index(campaign.name)]
    reserved = book.reserved(campaign) if outcome == "contact" else 0
    return Decision(candidate, outcome, REASONS[outcome], verdicts, option, draw, reserved)
