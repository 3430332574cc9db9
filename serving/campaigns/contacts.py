"""Contacts on record as events, by whichever system: they tire a customer as our own do."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from features.history import History
from features.instants import datetime_of

Contacts = Sequence[tuple[str, datetime]]
"""Which campaign contacted a customer, and when."""


def contacts_in(history: History, as_of: int) -> Mapping[str, Contacts]:
    """Return the contacts known before an instant, by customer; those without any are left out.

    A contact without a label is of a campaign without a name.
    """
    found: defaultdict[str, list[tuple[str, datetime]]] = defaultdict(list)
    rows = history.of_kind("contact")
    is_known = (history.visible[rows] < as_of) & (history.occurred[rows] < as_of)
    for row in rows[is_known].tolist():
        label = int(history.label[row])
        campaign = history.labels[label] if label >= 0 else ""
        customer_id = str(history.customer_ids[history.customer[row]])
        found[customer_id].append((campaign, datetime_of(int(history.occurred[row]))))
    return found


def with_decided(decided: Contacts, on_record: Contacts) -> Contacts:
    """Return what was decided, and the contacts on record that are of no such decision.

    A contact of a campaign that chose the customer before it is that decision's, counted already.
    """
    others = [
        (name, at)
        for name, at in on_record
        if not any(name == campaign and chosen <= at for campaign, chosen in decided)
    ]
    return [*decided, *others]
