"""Triggers: decisions to contact somebody, numbered in the order in which they became visible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from features.instants import instant_of
from serving.campaigns.decisions import Decision, Rulebook
from serving.campaigns.quiet_hours import first_allowed
from serving.store.database import LiveStore
from serving.store.live_events import parts
from serving.store.tables import campaign_decision, campaign_trigger, trigger_count

_TRIGGER = campaign_trigger.c
_COLUMNS = (
    *(_TRIGGER.number, _TRIGGER.decision_id, _TRIGGER.campaign, _TRIGGER.customer_id),
    *(_TRIGGER.made_at, _TRIGGER.not_before, campaign_decision.c.expected_profit),
    *(campaign_decision.c[name] for name in ("as_of", "reason", "model_version", "grounds")),
)
_JOINED = select(*_COLUMNS).join(
    campaign_decision, campaign_decision.c.decision_id == _TRIGGER.decision_id
)
_OF_DECISIONS = _JOINED.where(_TRIGGER.decision_id.in_(bindparam("some")))


@dataclass(frozen=True)
class Trigger:
    """Say that a campaign should contact a customer, not before an instant; UTC microseconds.

    `as_of`, `reason`, `model_version` and `grounds`, which are JSON, are those of the decision.
    """

    number: int
    decision_id: str
    campaign: str
    customer_id: str
    made_at: int
    not_before: int
    expected_profit: float
    as_of: int
    reason: str
    model_version: str
    grounds: str


def publish(
    connection: Connection,
    decisions: Mapping[str, Decision],
    book: Rulebook,
    now: datetime,
) -> None:
    """Give decisions (by id) to contact somebody numbers, in the transaction that makes them.

    Transactions that write do not overlap: whoever reads up to a number misses none below it.
    """
    contacts = [
        (decision_id, each.candidate, each.option)
        for decision_id, each in decisions.items()
        if each.option and each.outcome == "contact"
    ]
    if not contacts:
        return
    last = int(connection.execute(select(trigger_count.c.latest_number)).scalar_one())
    rows = [
        {
            "number": number,
            "decision_id": decision_id,
            "campaign": option.campaign,
            "customer_id": candidate.customer_id,
            "made_at": instant_of(now),
            "not_before": instant_of(first_allowed(now, candidate.time_zone, book.rules)),
        }
        for number, (decision_id, candidate, option) in enumerate(contacts, start=last + 1)
    ]
    connection.execute(insert(campaign_trigger), rows)
    connection.execute(update(trigger_count).values(latest_number=last + len(rows)))


def triggers_of(store: LiveStore, decision_ids: Sequence[str]) -> list[Trigger]:
    """Return the triggers of some decisions, by number."""
    with store.reading() as connection:
        rows = [
            Trigger(*row)
            for some in parts(decision_ids)
            for row in connection.execute(_OF_DECISIONS, {"some": some})
        ]
    return sorted(rows, key=lambda trigger: trigger.number)


def triggers_after(store: LiveStore, number: int, most: int) -> list[Trigger]:
    """Return the triggers that come after a number, at most so many of them."""
    page = _JOINED.where(_TRIGGER.number > number).order_by(_TRIGGER.number).limit(most)
    with store.reading() as connection:
        return [Trigger(*row) for row in connection.execute(page)]
