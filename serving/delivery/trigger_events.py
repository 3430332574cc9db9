"""Triggers as others hear of them: CloudEvents, the same in a webhook and in the feed."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from features.instants import datetime_of
from serving.store.tables import campaign_decision, campaign_trigger

TYPE = "keepworth.trigger"
SOURCE = "keepworth/campaigns/"

_JOINED = campaign_trigger.join(
    campaign_decision, campaign_trigger.c.decision_id == campaign_decision.c.decision_id
)
_DECIDED = [
    campaign_decision.c[name]
    for name in ("as_of", "reason", "expected_profit", "model_version", "grounds")
]


@dataclass(frozen=True)
class Trigger:
    """Hold a decision to contact somebody; times in UTC microseconds.

    Numbers rise in the order in which triggers became visible; nobody is to be contacted before
    `not_before`. `grounds` are the scores and the options it was decided by.
    """

    number: int
    decision_id: str
    campaign: str
    customer_id: str
    made_at: int
    not_before: int
    as_of: int
    reason: str
    expected_profit: float
    model_version: str
    grounds: dict[str, Any]

    @property
    def message_id(self) -> str:
        """The id under which every receiver hears of it, however often."""
        return f"msg_{self.decision_id}"

    def event(self) -> dict[str, Any]:
        """Return the CloudEvent, version 1.0."""
        return {
            "specversion": "1.0",
            "id": self.message_id,
            "source": SOURCE + self.campaign,
            "type": TYPE,
            "subject": self.customer_id,
            "time": _text_of(self.made_at),
            "datacontenttype": "application/json",
            "data": {
                "number": self.number,
                "campaign": self.campaign,
                "customer_id": self.customer_id,
                "not_before": _text_of(self.not_before),
                "as_of": _text_of(self.as_of),
                "reason": self.reason,
                "expected_profit": self.expected_profit,
                "model_version": self.model_version,
                "grounds": self.grounds,
            },
        }


def triggers_after(connection: Connection, number: int, most: int) -> list[Trigger]:
    """Return the next triggers after a number, in order; none that comes later precedes them."""
    query = select(campaign_trigger, *_DECIDED).select_from(_JOINED)
    following = query.where(campaign_trigger.c.number > number)
    rows = connection.execute(following.order_by(campaign_trigger.c.number).limit(most))
    return [Trigger(*row[:-1], json.loads(row.grounds)) for row in rows]


def _text_of(instant: int) -> str:
    return datetime_of(instant).isoformat().replace("+00:00", "Z")
