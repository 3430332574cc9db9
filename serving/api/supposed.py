"""Hypothetical events: as rows of the log, with what the caller should know about them."""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from features.contract import PLAN_KINDS
from features.ingest.checks import event_checks
from features.ingest.defects import Check
from features.instants import datetime_of
from features.mistakes import Mistake
from features.timeline import timeline_of
from serving.api.asked import block_of_tables, iso
from serving.api.current import EventTable, Tables
from serving.api.decoding import shown
from serving.api.inline import Row, event_table, require_none, typed_event
from serving.api.requests import HypotheticalEvent
from training.bundle import Bundle
from training.subscription import SubscriptionModel

_COMES_LAST = "\U0010ffff"
"""Before the number of a hypothetical event: ids settle the order within one instant."""
_MAY_CHANGE_NOTHING = ("plan_change", "cancel", "cancel_withdrawn")
_MOST_PLANS_NAMED = 12


class Supposed(NamedTuple):
    """Hold what would be known of a customer, and what to say about the events that made it so."""

    tables: Tables
    warnings: tuple[str, ...]


class _Stretch(NamedTuple):
    """Hold a stretch of one subscription in which nothing about the plan changes."""

    subscription: int
    start: int
    end: int
    plan: str
    mrr: int
    list_mrr: int
    term_months: int


def supposed(
    events: Sequence[HypotheticalEvent],
    tables: Tables,
    customer_id: str,
    bundle: Bundle,
    as_of: int,
) -> Supposed:
    """Return a customer's tables with events that come after all that is known at `as_of`.

    Changes of plan, notices and withdrawals that together leave plan, price, term and end as they
    are, are left out: a model that counts changes would let the forecast move by none.

    Raises
    ------
    Problem
        422, naming every event at fault.
    """
    checks = event_checks(bundle.business.usage_scale)
    added = _as_rows(events, customer_id, as_of, checks)
    if not isinstance(bundle.model, SubscriptionModel):
        return Supposed(_with(tables, added), ())
    is_candidate = [event.kind in _MAY_CHANGE_NOTHING for event in events]
    others = _with(tables, added.filter(pc.invert(pa.array(is_candidate, pa.bool_()))))
    changed = _with(tables, added)
    before = _stretches(others, bundle, as_of)
    plans = {*bundle.model.path.names, *bundle.references.ladder, *(one.plan for one in before)}
    warnings = [
        *_about_plans(events, plans - {""}),
        *_about_terms(events, before, as_of),
        *_about_pauses(events, bundle.model.pauses.resuming),
    ]
    if not any(is_candidate) or _stretches(changed, bundle, as_of) != before:
        return Supposed(changed, tuple(warnings))
    for position, candidate in enumerate(is_candidate):
        if candidate:
            said = "left out: plan, price, term and end stay as they are"
            warnings.append(f"events[{position}] {said}")
    return Supposed(others, tuple(warnings))


def _as_rows(
    events: Sequence[HypotheticalEvent], customer_id: str, as_of: int, checks: Sequence[Check]
) -> pa.Table:
    """Return hypothetical events as rows of the log, visible at `as_of`, in the order given."""
    mistakes: list[Mistake] = []
    rows: list[Row] = []
    stands = datetime_of(as_of)
    just_before = (stands - timedelta(microseconds=1)).isoformat()
    for position, event in enumerate(events):
        key = f"events[{position}]"
        dated = replace(event, occurred_at=event.occurred_at or just_before)
        row = typed_event(dated, customer_id, key, checks, mistakes)
        if row["occurred_at"] and row["occurred_at"] >= stands:
            expected = f"expected a time before as_of {iso(as_of)}; effective_at may lie later"
            mistakes.append(Mistake(f"{key}.occurred_at", str(event.occurred_at), expected))
        rows.append(row | {"event_id": f"{_COMES_LAST}{position:06d}"})
    require_none(mistakes)
    return event_table(rows)


def _with(tables: Tables, added: pa.Table) -> Tables:
    return Tables(EventTable(pa.concat_tables([tables.events, added])), tables.customers)


def _stretches(tables: Tables, bundle: Bundle, as_of: int) -> list[_Stretch]:
    """Return what is believed at `as_of`, one stretch for what goes on without a change.

    Where a term begins anew, something changes.
    """
    history = block_of_tables(tables, bundle).history.visible_before(as_of)
    found = timeline_of(history, bundle.business).intervals
    labels = (*history.labels, "")
    joined: list[_Stretch] = []
    for at in range(len(found.start)):
        one = _Stretch(
            int(found.subscription[at]),
            int(found.start[at]),
            int(found.end[at]),
            labels[found.label[at]] or "",
            int(found.mrr[at]),
            int(found.list_mrr[at]),
            int(found.term_months[at]),
        )
        last = joined[-1] if joined else None
        if last and not one.term_months and last == one._replace(start=last.start, end=one.start):
            joined[-1] = last._replace(end=one.end)
        else:
            joined.append(one)
    return joined


def _about_plans(events: Sequence[HypotheticalEvent], known: Collection[str]) -> Iterator[str]:
    """Name plans that neither training nor the customer had: they may be new, or misspelt."""
    for position, event in enumerate(events):
        if event.kind in PLAN_KINDS and event.label not in known:
            label = "missing" if event.label is None else shown(event.label)
            yield (
                f"events[{position}].label is {label}, no plan that this model version knows: "
                f"the forecast goes by its price alone; known are {_named(known)}"
            )


def _named(plans: Collection[str]) -> str:
    named = ", ".join(sorted(plans)[:_MOST_PLANS_NAMED]) or "none"
    more = len(plans) - _MOST_PLANS_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _about_terms(
    events: Sequence[HypotheticalEvent], before: Sequence[_Stretch], as_of: int
) -> Iterator[str]:
    """Say where a change that names no term ends the one that runs: from then on by the month."""
    running = [one for one in before if one.start < as_of <= one.end]
    if len(running) != 1 or not running[0].term_months:
        return
    for position, event in enumerate(events):
        if event.kind == "plan_change" and event.term_months is None:
            yield (
                f"events[{position}] has no term_months: the term of "
                f"{running[0].term_months} months ends with it, and the plan goes on from month "
                "to month"
            )


def _about_pauses(events: Sequence[HypotheticalEvent], resuming: float) -> Iterator[str]:
    """Say where a pause comes without its end, and at what pace it is then expected to end."""
    last = max((at for at, event in enumerate(events) if event.kind in PLAN_KINDS), default=None)
    for position, event in enumerate(events):
        is_pause = event.kind == "plan_change" and event.amount == 0 and not event.list_amount
        if is_pause and position == last:
            yield (
                f"events[{position}] pauses the plan without an end: {100 * resuming:.0f}% of such "
                "pauses are expected to end each month, as in training; to say when it ends, add "
                "a plan_change whose effective_at is the end of the pause"
            )
