"""When a retraining is due: every reason that was looked at, with what was found."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.blocks import blocks
from features.catalogue import catalogue
from features.happenings import purchases
from features.history import History
from features.instants import datetime_of
from features.months import DAY, Instants
from features.signals.tenure import SEASON
from features.timeline import timeline_of
from features.vocabulary import vocabulary_of
from training.bundle import Bundle
from training.business import Business
from training.comparison import Champion, Ground
from training.drift import Drift
from training.realised import Realised
from training.recipe import Recipe, same_rules
from training.retraining_rules import RetrainingRules


@dataclass(frozen=True)
class Reason:
    """Say whether something makes a retraining due, and what was found."""

    name: str
    is_due: bool
    found: str


def of_schedule(champion: Bundle, cutoff: int, rules: RetrainingRules) -> Reason:
    """Look how long ago, in the time of the data, the champion was trained."""
    days = (cutoff - champion.cutoff) / DAY
    found = f"trained {days:,.0f} days ago; due every {rules.every_days}"
    return Reason("schedule", days >= rules.every_days, found)


def of_outcomes(ground: Ground, since: int, cutoff: int) -> Reason:
    """Count the exits, in a shop the purchases, since the champion's cutoff."""
    business, rules, n = ground.business, ground.rules, 0
    for block in blocks(ground.log, business, [], datetime_of(cutoff)):
        at = _outcomes(block.history, business)
        n += int(((at >= since) & (at < cutoff)).sum())
    what = "exits" if business.contract == "subscription" else "purchases"
    found = f"{n:,} new {what}; due from {rules.new_outcomes:,}"
    return Reason("outcomes", n >= rules.new_outcomes, found)


def _outcomes(history: History, business: Business) -> Instants:
    """Return when customers left; in a shop, when they bought."""
    if business.contract == "subscription":
        return timeline_of(history, business).spells[2]
    return history.occurred[purchases(history)[0]]


def of_catalogue(ground: Ground, champion: Champion, own: Recipe, cutoff: int) -> Reason:
    """Compare what a model would be offered now with what the champion was."""
    log, business = ground.log, ground.business
    changes = list(_changes(business, champion, own))
    attributes = list(own.attributes)
    words = vocabulary_of(log, business, attributes, datetime_of(cutoff))
    offered = {
        signal.name
        for signal in catalogue(business.contract, words)
        if signal.group not in {*own.left_out, SEASON}
    }
    known = {signal.name for signal in champion.bundle.model.signals if signal.group != SEASON}
    for verb, names in (("new", offered - known), ("gone", known - offered)):
        if names:
            changes.append(f"{verb} signals: {_some(sorted(names))}")
    found = "; ".join(changes) or "the same signals, rules and code"
    return Reason("catalogue", bool(changes), found)


def of_drift(drift: Drift | None, rules: RetrainingRules) -> Reason:
    """Look whether signals drifted beyond chance, and by enough money."""
    if drift is None:
        return Reason("drift", is_due=False, found="no reference: the version was made before it")
    most = max((abs(each.equity_share) for each in drift.alarms), default=0.0)
    found = (
        f"{len(drift.alarms)} of {drift.n_signals} signals drifted beyond chance, moving at most "
        f"{most:.1%} of customer equity each; due from {rules.equity_moved:.0%}"
    )
    return Reason("drift", most >= rules.equity_moved, found)


def of_calibration(realised: Realised | None, ground: Ground) -> Reason:
    """Look whether exits since the champion's cutoff are other than it said, beyond chance."""
    if realised is None:
        return Reason("calibration", is_due=False, found="no month is over since it was trained")
    found = (
        f"{realised.predicted:,.0f} {ground.business.exits_in_words} predicted for "
        f"{realised.months} months, {realised.came:,} came (p = {realised.p_value:.3f})"
    )
    return Reason("calibration", realised.p_value < ground.rules.false_alarm_rate, found)


def _changes(business: Business, champion: Champion, own: Recipe) -> Sequence[str]:
    found, of_champion = [], champion.recipe
    if not same_rules(business, champion.bundle.business):
        found.append("[business] has changed")
    if own.settings != of_champion.settings:
        found.append("[features] has changed")
    if of_champion.code and (own.code, own.libraries) != (of_champion.code, of_champion.libraries):
        found.append("the code or its libraries have changed")
    return found


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
