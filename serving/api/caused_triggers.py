"""The triggers that posted events caused, decided in the request that brought the events."""

import logging
from collections.abc import Sequence
from functools import partial

import msgspec

from features.instants import datetime_of
from features.mistakes import MistakenError
from serving.api.answers import CausedTrigger
from serving.api.asked import block_of_tables, iso
from serving.api.current import Current
from serving.api.turns import Turns, TurnsTakenError
from serving.campaigns.triggers import Trigger
from serving.store.live_events import LiveEvent
from serving.store.logged_events import despite_rewriting

logger = logging.getLogger("keepworth.api")


async def triggers_caused(
    turns: Turns, current: Current, heard: Sequence[LiveEvent]
) -> list[CausedTrigger] | None:
    """Return what recorded events caused; None where campaigns cannot be asked just now.

    The events are durable by then: whatever goes wrong here takes nothing back.
    """
    try:
        caused = partial(despite_rewriting, partial(_caused, current, heard))
        told = await turns.alone(lambda: msgspec.json.encode(caused()))
    except (TurnsTakenError, MistakenError) as error:
        # A version that was promoted may lack what the campaigns ask for.
        logger.warning("%d events were recorded and not judged: %s", len(heard), error)
        return None
    except Exception:
        logger.exception("%d events were recorded and not judged", len(heard))
        return None
    return msgspec.json.decode(told, type=list[CausedTrigger])


def _caused(current: Current, heard: Sequence[LiveEvent]) -> list[CausedTrigger]:
    bundle, known = current.serving().bundle, current.known()
    tables = known.tables_of(list(dict.fromkeys(event.customer_id for event in heard)))
    if tables.customers is None or not tables.events.num_rows:
        return []
    block, as_of = block_of_tables(tables, bundle), known.observed_until
    listening, store = current.listening, current.workspace.store
    candidates = listening.candidates(bundle, block, as_of, tables.customers, heard)
    now = datetime_of(current.clock())
    found = listening.settle(store, current.log, candidates, now)
    offers = {campaign.name: campaign.offer for campaign in listening.book.campaigns}
    return [_told(trigger, offers[trigger.campaign]) for trigger in found]


def _told(trigger: Trigger, offer: str) -> CausedTrigger:
    return CausedTrigger(
        number=trigger.number,
        decision_id=trigger.decision_id,
        campaign=trigger.campaign,
        customer_id=trigger.customer_id,
        offer=offer,
        expected_profit=trigger.expected_profit,
        made_at=iso(trigger.made_at),
        not_before=iso(trigger.not_before),
    )
