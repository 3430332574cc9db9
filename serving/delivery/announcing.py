"""Announcing triggers: for each one a message to every receiver that hears of its campaign."""

import json
from collections.abc import Sequence

from sqlalchemy import select, update

from serving.delivery.trigger_events import triggers_after
from serving.delivery.webhooks import Webhook
from serving.store.database import LiveStore
from serving.store.outbox import Message, put_messages
from serving.store.tables import campaign_trigger, outbox_state

MOST_TOGETHER = 500
OLDEST_DAYS = 3
"""A trigger that nobody announced for so long, is announced to nobody: its moment is over."""
_DAY = 86_400_000_000


def announce_triggers(store: LiveStore, webhooks: Sequence[Webhook], now: int) -> int:
    """Put into the outbox what has been triggered since the last time; return how many triggers.

    Each trigger is announced once, by whoever comes first, to the receivers that are configured
    there and then; `now` is UTC microseconds.
    """
    count = 0
    while _has_news(store):
        count += _announce_some(store, webhooks, now)
    return count


def _has_news(store: LiveStore) -> bool:
    """Look without taking a writer's turn."""
    newer = select(campaign_trigger.c.number).where(
        campaign_trigger.c.number > select(outbox_state.c.announced).scalar_subquery()
    )
    with store.reading() as connection:
        return connection.execute(newer.limit(1)).first() is not None


def _announce_some(store: LiveStore, webhooks: Sequence[Webhook], now: int) -> int:
    with store.writing() as connection:
        announced = int(connection.execute(select(outbox_state.c.announced)).scalar_one())
        triggers = triggers_after(connection, announced, MOST_TOGETHER)
        for trigger in triggers:
            if max(trigger.made_at, trigger.not_before) < now - OLDEST_DAYS * _DAY:
                continue
            body = json.dumps(trigger.event(), ensure_ascii=False, allow_nan=False)
            told = (trigger.message_id, trigger.customer_id, trigger.campaign, body)
            messages = [
                Message(told[0], webhook.name, *told[1:])
                for webhook in webhooks
                if webhook.hears_of(trigger.campaign)
            ]
            put_messages(connection, messages, now, max(now, trigger.not_before))
        if triggers:
            newest = triggers[-1].number
            connection.execute(update(outbox_state).values(announced=newest))
    return len(triggers)
