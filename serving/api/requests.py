"""What a call may say, as types: the decoder, the checks and the OpenAPI document rest on them."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from features.contract import KIND_CODES, LONGEST_TERM_MONTHS
from serving.limits import LONGEST_HORIZON, LONGEST_NAME, MOST_CUSTOMERS, MOST_SUPPOSED

Instant = Annotated[
    str,
    Meta(
        description="RFC 3339 with zone; a date means 00:00 UTC.",
        examples=["2024-01-31T12:00:00Z"],
    ),
]
Kind = Annotated[str, Meta(extra_json_schema={"enum": list(KIND_CODES)})]
WITHOUT_NUL = r"^[^\x00]*$"
CustomerId = Annotated[
    str,
    Meta(min_length=1, pattern=WITHOUT_NUL, description="Your id of a customer, without NUL."),
]
Text = Annotated[str, Meta(max_length=LONGEST_NAME)]
Amount = Annotated[
    float,
    Meta(description="Money in major units, net of tax, or a quantity; by kind. Not negative."),
]


class EventData(Struct, forbid_unknown_fields=True, kw_only=True):
    """What an event says beside its kind and its times, as in the contract."""

    effective_at: Instant | None = None
    subscription_id: Text | None = None
    amount: Amount | None = None
    list_amount: Amount | None = None
    label: Text | None = None
    term_months: Annotated[int, Meta(ge=1, le=LONGEST_TERM_MONTHS)] | None = None
    basket_id: Text | None = None


class Happened(EventData, forbid_unknown_fields=True, kw_only=True):
    """What every event says, as in the contract."""

    kind: Kind


class Event(Happened, forbid_unknown_fields=True, kw_only=True):
    """An event of a customer given inline; `recorded_at` is `occurred_at` unless said."""

    occurred_at: Instant
    recorded_at: Instant | None = None
    event_id: Text | None = None


class HypotheticalEvent(Happened, forbid_unknown_fields=True, kw_only=True):
    """An event that did not happen; it counts as known at `as_of`.

    Without `occurred_at` it comes last, just before `as_of`. What takes effect later says so
    in `effective_at`.
    """

    occurred_at: Instant | None = None


class InlineCustomer(Struct, forbid_unknown_fields=True, kw_only=True):
    """A customer whom the log need not know, with all that is known of them."""

    customer_id: CustomerId
    events: list[Event]
    acquired_at: Instant | None = None
    acquisition_cost: Amount | None = None
    acquisition_channel: str | None = None
    referred_by: str | None = None
    attributes: dict[str, str | float | None] = {}


class Terms(Struct, forbid_unknown_fields=True, kw_only=True):
    """When to stand, how far to look, and what later money is worth; by default as trained."""

    as_of: Instant | None = None
    horizon_months: Annotated[int, Meta(ge=1, le=LONGEST_HORIZON)] | None = None
    annual_discount_rate: (
        Annotated[float, Meta(gt=-1, le=10, description="Effective; 0.1 is ten percent.")] | None
    ) = None


class ScoreRequest(Terms, forbid_unknown_fields=True, kw_only=True):
    """Either `customer_ids` or `customers`, not both."""

    customer_ids: (
        Annotated[list[CustomerId], Meta(min_length=1, max_length=MOST_CUSTOMERS)] | UnsetType
    ) = UNSET
    customers: (
        Annotated[list[InlineCustomer], Meta(min_length=1, max_length=MOST_CUSTOMERS)] | UnsetType
    ) = UNSET
    explain: bool = False


class WhatIfRequest(Terms, forbid_unknown_fields=True, kw_only=True):
    """Either `customer_id` or `customer`, not both, and what would happen."""

    customer_id: CustomerId | UnsetType = UNSET
    customer: InlineCustomer | UnsetType = UNSET
    events: Annotated[list[HypotheticalEvent], Meta(min_length=1, max_length=MOST_SUPPOSED)]
