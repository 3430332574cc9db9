"""The data contract: the columns of the three tables and the rules of each kind of event."""

from dataclasses import dataclass
from typing import Literal

Presence = Literal["required", "optional", "unused"]


@dataclass(frozen=True)
class Kind:
    """State what a kind of event carries in `amount` and `label`."""

    name: str
    amount: Presence = "unused"
    is_money: bool = False
    label: Presence = "optional"
    labels: tuple[str, ...] = ()


KINDS: tuple[Kind, ...] = (
    Kind("subscribe", amount="required", is_money=True),
    Kind("plan_change", amount="required", is_money=True),
    Kind("renew", amount="required", is_money=True),
    Kind("cancel", labels=("voluntary", "involuntary", "other")),
    Kind("cancel_withdrawn"),
    Kind("payment", amount="required", is_money=True),
    Kind("refund", amount="required", is_money=True),
    Kind("payment_failed", amount="optional", is_money=True),
    Kind("cost", amount="required", is_money=True),
    Kind("usage", amount="required"),
    Kind("support"),
    Kind("support_resolved"),
    Kind("review", amount="optional"),
    Kind("referral"),
    Kind("referral_joined", label="required"),
    Kind("assignment", label="required"),
    Kind("contact", amount="optional", is_money=True),
    Kind("offer", amount="optional", is_money=True),
)

KIND_CODES: dict[str, int] = {kind.name: code for code, kind in enumerate(KINDS)}
PLAN_KINDS = ("subscribe", "plan_change", "renew")
CAMPAIGN_KINDS = ("assignment", "contact", "offer")
"""What a business decides or does about customers; it says nothing of when theirs is complete."""

EVENT_COLUMNS: dict[str, str] = {
    "event_id": "VARCHAR",
    "customer_id": "VARCHAR",
    "kind": "VARCHAR",
    "occurred_at": "TIMESTAMPTZ",
    "recorded_at": "TIMESTAMPTZ",
    "effective_at": "TIMESTAMPTZ",
    "subscription_id": "VARCHAR",
    "amount": "DOUBLE",
    "list_amount": "DOUBLE",
    "label": "VARCHAR",
    "term_months": "INTEGER",
    "basket_id": "VARCHAR",
}
EVENT_REQUIRED = ("customer_id", "kind", "occurred_at")

CUSTOMER_COLUMNS: dict[str, str] = {
    "customer_id": "VARCHAR",
    "acquired_at": "TIMESTAMPTZ",
    "acquisition_channel": "VARCHAR",
    "acquisition_cost": "DOUBLE",
    "referred_by": "VARCHAR",
    "time_zone": "VARCHAR",
    "consent": "BOOLEAN",
}
CUSTOMER_REQUIRED = ("customer_id",)

PLAN_COLUMNS: dict[str, str] = {
    "plan": "VARCHAR",
    "list_amount": "DOUBLE",
    "valid_from": "TIMESTAMPTZ",
    "allowance": "DOUBLE",
}
PLAN_REQUIRED = ("plan", "list_amount")

LARGEST_MONEY = 1e12
"""Beyond this an amount is a mistake: sums must stay exact in integer minor units."""

LARGEST_QUANTITY = 9e15
"""Beyond this a quantity is a mistake: whole ones must stay exact in float64, up to 2^53.

Quantities of events are held in fractions of a unit, and may be as many times smaller.
"""

LONGEST_TERM_MONTHS = 1200
"""A term of a century and more is a mistake."""
