"""The canary: what became known at or after an instant must not move any signal of it.

A few customers of every build are computed twice: from what was visible alone, and from
everything the log holds of them, with events planted that would give the outcome away.
"""

from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.asked import Asked
from features.catalogue import signal_matrix
from features.contract import KINDS, Kind
from features.history import history_from_events
from features.instants import instant_of
from features.kernel import Moment
from features.log import EVENT_SCHEMA
from features.profiles import Profiles
from features.rules import CustomerRules

SAMPLE_SIZE = 200
FEWEST_BEHIND_ONE = 50
"""One customer in so many is looked at, so that the canary costs little of a small build too."""
_DAY = timedelta(days=1)
_KNOWN_LATE = ((0, 0), (1, 1), (45, 45), (1, -1), (-1, 0), (-20, 1), (-200, 30))
"""Days after the instant at which a planted event occurs, and at which it becomes known."""
_PLANTED_AMOUNT = 77.0
_FEW_LABELS = 3
_MOST_NAMED = 10


class LeakFoundError(RuntimeError):
    """Say that a signal knew what nobody could know yet."""


def sampled(customers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some of these customers, spread evenly and always the same."""
    size = min(SAMPLE_SIZE, -(-len(customers) // FEWEST_BEHIND_ONE))
    places = np.linspace(0, len(customers) - 1, size)
    return customers[places.astype(np.int64)]


def require_no_leak(
    events: pa.Table, profiles: Profiles, rules: CustomerRules, asked: Asked
) -> None:
    """Compare signals with and without what could not be known at an instant, bit for bit.

    Parameters
    ----------
    events
        Everything known of some customers, whenever it happened; contract columns.
    profiles
        What the customers table says of them, in the order of their ids.

    Raises
    ------
    LeakFoundError
        If a signal differs for anybody.
    """
    ids = sorted(set(events.column("customer_id").to_pylist()))
    everything = pa.concat_tables([events, _planted(events, asked.as_of)])
    visible = events.filter(_was_visible(events, asked.as_of))
    alone, beside = (
        signal_matrix(
            Moment(
                history_from_events(table, rules.minor_units, ids),
                profiles,
                instant_of(asked.as_of),
                rules,
                asked.references,
            ),
            asked.signals,
        )
        for table in (visible, everything)
    )
    moved = _differs(alone, beside)
    if moved.any():
        raise LeakFoundError(_told(moved, ids, asked))


def _differs(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Compare bits, as equal numbers may hide a sign; what is missing in both is equal."""
    same_bits = np.ascontiguousarray(one).view(np.int64) == np.ascontiguousarray(other).view(
        np.int64
    )
    return ~(same_bits | (np.isnan(one) & np.isnan(other)))


def _told(moved: NDArray[np.bool_], ids: list[str], asked: Asked) -> str:
    names = [asked.signals[number].name for number in np.flatnonzero(moved.any(axis=0))]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    n_customers = int(moved.any(axis=1).sum())
    return (
        f"{len(names)} signals knew the future as of {asked.as_of.isoformat()}, for {n_customers} "
        f"of {len(ids)} customers looked at: {', '.join(names[:_MOST_NAMED])}{more}. Expected that "
        "nothing recorded or occurring then or later moves them; nothing was published. Mend "
        "their definition."
    )


def _was_visible(events: pa.Table, as_of: datetime) -> pa.ChunkedArray:
    limit = pa.scalar(as_of, pa.timestamp("us", tz="UTC"))
    return pc.and_(
        pc.less(events.column("occurred_at"), limit), pc.less(events.column("recorded_at"), limit)
    )


def _planted(events: pa.Table, as_of: datetime) -> pa.Table:
    """Return events of every kind for every subscription, at or after `as_of` or known only then.

    They bear the words that events of their kind have, so that they fall into the same signals.
    """
    owners = events.group_by(["customer_id", "subscription_id"]).aggregate([])
    tables = [
        _planting(owners, kind, label, as_of + occurred * _DAY, as_of + recorded * _DAY)
        for kind in KINDS
        for label, (occurred, recorded) in product(_labels(events, kind), _KNOWN_LATE)
    ]
    return pa.concat_tables(tables)


def _labels(events: pa.Table, kind: Kind) -> list[str | None]:
    own = events.filter(pc.equal(events.column("kind"), kind.name)).column("label")
    counted = sorted(
        pc.value_counts(own).to_pylist(), key=lambda entry: (-entry["counts"], str(entry["values"]))
    )
    found = [entry["values"] for entry in counted[:_FEW_LABELS]]
    return found or [kind.labels[0] if kind.labels else "planted"]


def _planting(
    owners: pa.Table, kind: Kind, label: str | None, occurred_at: datetime, recorded_at: datetime
) -> pa.Table:
    n_owners = owners.num_rows
    constants = {
        "event_id": f"planted {kind.name} {label} {occurred_at} {recorded_at}",
        "kind": kind.name,
        "occurred_at": occurred_at,
        "recorded_at": recorded_at,
        "amount": None if kind.amount == "unused" else _PLANTED_AMOUNT,
        "label": label,
    }
    columns = [
        owners.column(field.name).cast(field.type)
        if field.name in owners.column_names
        else pa.repeat(pa.scalar(constants.get(field.name), field.type), n_owners)
        for field in EVENT_SCHEMA
    ]
    return pa.table(columns, schema=EVENT_SCHEMA)
