"""A customer's past in brief: what happened, since when, and which subscriptions are open."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.blocks import Block
from features.contract import CUSTOMER_COLUMNS
from features.instants import datetime_of
from features.months import NEVER, whole_months_between
from features.plan_events import subscriptions_of
from features.plan_standing import PlanStanding
from features.timeline import timeline_of
from serving.api.answers import CustomerHistory, CustomerProfile, OpenSubscription
from serving.api.asked import block_of_tables, iso
from serving.api.current import EventTable, Tables
from training.bundle import Bundle

_ORDER = [("occurred_at", "ascending"), ("event_id", "ascending")]


class _Known(NamedTuple):
    """Hold one customer's visible events, in the order of the history that they make."""

    events: pa.Table
    block: Block
    bundle: Bundle
    as_of: int


def history_of(tables: Tables, bundle: Bundle, as_of: int) -> CustomerHistory:
    """Return what was known of one customer just before an instant, in microseconds."""
    events = _visible(tables.events, as_of)
    block = block_of_tables(Tables(EventTable(events), tables.customers), bundle)
    known = _Known(events, block, bundle, as_of)
    occurred = known.block.history.occurred
    subscriptions = _open_subscriptions(known)
    return CustomerHistory(
        events=events.num_rows,
        first_event_at=iso(occurred[0]) if len(occurred) else None,
        last_event_at=iso(occurred[-1]) if len(occurred) else None,
        events_by_kind=dict(sorted(Counter(events.column("kind").to_pylist()).items())),
        tenure_months=_tenure_months(known),
        mrr=sum(one.mrr for one in subscriptions),
        open_subscriptions=subscriptions,
    )


def profile_of(customers: pa.Table | None) -> CustomerProfile | None:
    """Return the one row there is of the customers table, None if there is none."""
    if customers is None or not customers.num_rows:
        return None
    row: dict[str, Any] = customers.slice(0, 1).to_pylist()[0]
    acquired_at = row["acquired_at"]
    of_contract = {name: row[name] for name in CUSTOMER_COLUMNS if name != "customer_id"}
    of_contract["acquired_at"] = acquired_at and acquired_at.isoformat().replace("+00:00", "Z")
    attributes = {name: value for name, value in row.items() if name not in CUSTOMER_COLUMNS}
    return CustomerProfile(**of_contract, attributes=attributes)


def _visible(events: pa.Table, as_of: int) -> pa.Table:
    before = pa.scalar(datetime_of(as_of), pa.timestamp("us", tz="UTC"))
    occurred, recorded = (
        pc.less(events.column(name), before) for name in ("occurred_at", "recorded_at")
    )
    return events.filter(pc.and_(occurred, recorded)).sort_by(_ORDER)


def _open_subscriptions(known: _Known) -> list[OpenSubscription]:
    if known.bundle.business.contract != "subscription" or not known.events.num_rows:
        return []
    standing = _standing(known)
    return [_described(known, standing, int(at)) for at in standing.open_intervals]


def _described(known: _Known, standing: PlanStanding, at: int) -> OpenSubscription:
    """Describe the stretch of a subscription that is open at `as_of`."""
    history, found = known.block.history, standing.timeline.intervals
    minor_units = known.bundle.business.minor_units
    begun = np.flatnonzero(found.begins[: at + 1])[-1]
    ends = int(found.end[at])
    is_followed = at + 1 < len(found.start) and not found.begins[at + 1]
    goes_on = is_followed and found.start[at + 1] == ends
    until = None if ends == NEVER else iso(ends)
    label = int(found.label[at])
    return OpenSubscription(
        subscription_id=_name_of(known, int(found.row[at])),
        plan=history.labels[label] if label >= 0 else None,
        mrr=int(found.mrr[at]) / minor_units,
        list_mrr=int(found.list_mrr[at]) / minor_units,
        term_months=int(found.term_months[at]) or None,
        since=iso(found.start[begun]),
        on_these_terms_since=iso(found.start[at]),
        changes_at=until if goes_on else None,
        ends_at=None if goes_on else until,
    )


def _name_of(known: _Known, row: int) -> str | None:
    """Return the id of the subscription that an event is of, also where the event names none."""
    codes = subscriptions_of(known.block.history)
    names = known.events.column("subscription_id").to_pylist()
    same = [names[other] for other in np.flatnonzero(codes == codes[row]) if names[other]]
    return str(same[0]) if same else None


def _tenure_months(known: _Known) -> int | None:
    """Return whole months since the relationship began, None where there is none."""
    business, history = known.bundle.business, known.block.history
    if not known.events.num_rows:
        return None
    if business.contract == "subscription":
        standing = _standing(known)
        return int(standing.months_since[0][0]) if standing.is_open[0] else None
    payments = history.occurred[history.of_kind("payment")]
    if not len(payments):
        return None
    return int(whole_months_between(payments[0], known.as_of, business.month))


def _standing(known: _Known) -> PlanStanding:
    history, business = known.block.history, known.bundle.business
    timeline = timeline_of(history, business)
    profiles, references = known.block.profiles, known.bundle.references
    return PlanStanding(history, timeline, profiles, known.as_of, business, references)
