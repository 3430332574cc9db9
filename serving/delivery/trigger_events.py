"""Triggers as others hear of them: CloudEvents 1.0, the same in every webhook and in the feed."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from features.instants import datetime_of
from serving.campaigns.triggers import Trigger

_PREFIX = "msg_"
_SOURCE = "keepworth/campaigns/"


class TriggerData(Struct, kw_only=True):
    """What was decided of a customer, and why; money in major units of the business's currency.

    `number` is the cursor of the feed. Nobody is to be contacted before `not_before`. `grounds`
    are the scores, every campaign's option with its verdict, and notes.
    """

    number: int
    campaign: str
    customer_id: str
    not_before: str
    expected_profit: float
    reason: str
    as_of: str
    model_version: str
    grounds: dict[str, Any]


class TriggerEvent(Struct, kw_only=True):
    """A decision that a campaign should contact a customer, as a CloudEvent 1.0.

    `id` is the same wherever and however often it is heard.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: Literal["keepworth.trigger"] = "keepworth.trigger"
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    data: TriggerData


def decision_id_of(message_id: str) -> str:
    """Return the decision that a message of this id tells of."""
    return message_id.removeprefix(_PREFIX)


def event_of(trigger: Trigger) -> TriggerEvent:
    """Return what others hear of a trigger."""
    return TriggerEvent(
        id=id_of(trigger),
        source=_SOURCE + trigger.campaign,
        subject=trigger.customer_id,
        time=_text_of(trigger.made_at),
        data=TriggerData(
            number=trigger.number,
            campaign=trigger.campaign,
            customer_id=trigger.customer_id,
            not_before=_text_of(trigger.not_before),
            expected_profit=trigger.expected_profit,
            reason=trigger.reason,
            as_of=_text_of(trigger.as_of),
            model_version=trigger.model_version,
            grounds=msgspec.json.decode(trigger.grounds),
        ),
    )


def id_of(trigger: Trigger) -> str:
    """Return the id by which a trigger is known in webhooks, the feed and exports alike."""
    return _PREFIX + trigger.decision_id


def _text_of(instant: int) -> str:
    return datetime_of(instant).isoformat().replace("+00:00", "Z")
