"""The ledger: decisions written with all that follows from them, in one transaction.

Arms are recorded as `assignment` events, budgets reserved and triggers numbered before anything
can be sent; whoever decides at the same time waits for its turn, and sees what was decided.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update

from features.erasure import Erased
from features.instants import datetime_of, instant_of
from serving.campaigns.assignments import assignments_of
from serving.campaigns.budgets import left_of, periods_of, reserved_by
from serving.campaigns.candidates import Candidate
from serving.campaigns.decisions import CHOSEN, Decision, Rulebook, Standing, decide
from serving.campaigns.triggers import publish
from serving.store.database import LiveStore
from serving.store.live_events import parts
from serving.store.recording import insert_events
from serving.store.tables import (
    campaign_assignment,
    campaign_budget,
    campaign_decision,
)

_DECISION = campaign_decision.c
_SOME: BindParameter[Any] = bindparam("some")
# Built once: making a statement takes longer than running it.
_KNOWN = select(_DECISION.decision_id).where(_DECISION.decision_id.in_(_SOME))
_CHOSEN_BEFORE = select(_DECISION.customer_id, _DECISION.campaign, _DECISION.decided_at).where(
    _DECISION.customer_id.in_(_SOME),
    _DECISION.decided_at > bindparam("since"),
    _DECISION.outcome.in_(CHOSEN),
)
_OWN = select(_DECISION.decided_at).where(_DECISION.decision_id == bindparam("decision_id"))
_ARMS = select(
    campaign_assignment.c.campaign, campaign_assignment.c.customer_id, campaign_assignment.c.arm
).where(campaign_assignment.c.customer_id.in_(_SOME))


class KnowsErased(Protocol):
    """Know who was erased, as it stands now."""

    @property
    def erased(self) -> Erased:
        """Who was erased."""


@dataclass(frozen=True)
class Settled:
    """Hold what was decided now, and how many had been decided on this occasion before."""

    decisions: tuple[Decision, ...]
    repeated: int


def settle(
    store: LiveStore,
    log: KnowsErased,
    candidates: Mapping[str, Candidate],
    book: Rulebook,
    now: datetime,
) -> Settled:
    """Decide of candidates, each once on its occasion, and write what follows, all or nothing.

    `candidates` are by the id of their decision.
    """
    with store.writing() as connection:
        erased = log.erased
        there = {
            each: candidate
            for each, candidate in candidates.items()
            if candidate.customer_id not in erased
        }
        known = _known(connection, list(there))
        fresh = {each: there[each] for each in there if each not in known}
        customer_ids = [candidate.customer_id for candidate in fresh.values()]
        standing = standing_of(connection, customer_ids, book, now)
        decisions = dict(zip(fresh, decide(list(fresh.values()), book, standing, now), strict=True))
        if decisions:
            rows = [_row(each, decision, now) for each, decision in decisions.items()]
            connection.execute(insert(campaign_decision), rows)
            _assign(connection, decisions.values(), book, standing, now)
            _reserve(connection, decisions.values(), book, now)
            publish(connection, decisions, book, now)
    return Settled(tuple(decisions.values()), len(there) - len(fresh))


def standing_of(
    connection: Connection, customer_ids: Sequence[str], book: Rulebook, now: datetime
) -> Standing:
    """Return what was decided of some customers before, and what budgets hold."""
    since = instant_of(now - book.memory())
    chosen: defaultdict[str, list[tuple[str, datetime]]] = defaultdict(list)
    arms: dict[tuple[str, str], str] = {}
    for some in parts(customer_ids):
        rows = connection.execute(_CHOSEN_BEFORE, {"some": some, "since": since})
        for customer_id, campaign, at in rows:
            chosen[customer_id].append((campaign, datetime_of(at)))
        for campaign, customer_id, arm in connection.execute(_ARMS, {"some": some}):
            arms[campaign, customer_id] = arm
    reserved = _reserved(connection, periods_of(now, book))
    left = {each.name: left_of(each, book, reserved, now) for each in book.campaigns}
    return Standing(chosen, arms, left)


def chosen_for(
    connection: Connection, customer_id: str, since: datetime
) -> list[tuple[str, datetime]]:
    """Return which campaigns chose a customer since an instant, and when, control groups too."""
    chosen = {"some": [customer_id], "since": instant_of(since)}
    rows = connection.execute(_CHOSEN_BEFORE, chosen)
    return [(campaign, datetime_of(at)) for _, campaign, at in rows]


def decided_at(connection: Connection, decision_id: str) -> datetime | None:
    """Return when a decision was made; None where there is no such decision."""
    at = connection.execute(_OWN, {"decision_id": decision_id}).scalar_one_or_none()
    return None if at is None else datetime_of(at)


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    return {
        found
        for some in parts(ids)
        for found in connection.execute(_KNOWN, {"some": some}).scalars()
    }


def _reserved(connection: Connection, periods: Sequence[str]) -> dict[tuple[str, str], int]:
    budget = campaign_budget.c
    wanted = select(budget.campaign, budget.period, budget.reserved)
    rows = connection.execute(wanted.where(budget.period.in_(periods)))
    return {(campaign, period): reserved for campaign, period, reserved in rows}


def _row(decision_id: str, decision: Decision, now: datetime) -> dict[str, Any]:
    candidate, option = decision.candidate, decision.option
    return {
        "decision_id": decision_id,
        "occasion": candidate.occasion,
        "decided_at": instant_of(now),
        "as_of": candidate.as_of,
        "customer_id": candidate.customer_id,
        "campaign": option.campaign if option else None,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "expected_profit": option.expected_profit if option else None,
        "draw": decision.draw,
        "reserved": decision.reserved,
        "model_version": candidate.model_version,
        "grounds": json.dumps(grounds_of(decision), allow_nan=False),
    }


def grounds_of(decision: Decision) -> dict[str, Any]:
    """Return what a decision rests on, ready for JSON: scores, every option and its verdict."""
    candidate = decision.candidate
    options = [
        {name: _known_number(value) for name, value in vars(option).items()} | {"verdict": verdict}
        for option, verdict in zip(candidate.options, decision.verdicts, strict=True)
    ]
    return {"scores": dict(candidate.scores), "options": options, "notes": list(candidate.notes)}


def _known_number(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def _assign(
    connection: Connection,
    decisions: Iterable[Decision],
    book: Rulebook,
    standing: Standing,
    now: datetime,
) -> None:
    """Record arms that are new, in the ledger and as events that the log will hold."""
    fresh = [
        each
        for decision in decisions
        for each in assignments_of(decision, book)
        if (each.campaign, each.customer_id) not in standing.arms
    ]
    if fresh:
        at = instant_of(now)
        rows = [asdict(each) | {"assigned_at": at} for each in fresh]
        connection.execute(insert(campaign_assignment), rows)
        insert_events(connection, [each.event(at) for each in fresh])


def _reserve(
    connection: Connection, decisions: Iterable[Decision], book: Rulebook, now: datetime
) -> None:
    before = _reserved(connection, periods_of(now, book))
    for (campaign, period), amount in reserved_by(decisions, book, now).items():
        place = {"campaign": campaign, "period": period}
        if (campaign, period) in before:
            total = campaign_budget.c.reserved + amount
            change = update(campaign_budget).values(reserved=total)
            connection.execute(change.filter_by(**place))
        else:
            connection.execute(insert(campaign_budget).values(reserved=amount, **place))
