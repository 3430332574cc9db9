"""What the canary plants: events, prices and facts that nobody could know at an instant."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.contract import KINDS, PLAN_COLUMNS, Kind
from features.instants import instant_of
from features.log import EVENT_SCHEMA, arrow_schema
from features.months import DAY
from features.profiles import Profiles

_DAY = timedelta(days=1)
_KNOWN_LATE = ((0, 0), (1, 1), (45, 45), (1, -1), (-1, 0), (-20, 1), (-200, 30))
"""Days after the instant at which a planted event occurs, and at which it becomes known."""
_PLANTED_AMOUNT = 77.0
_FEW_LABELS = 3


def events_planted(events: pa.Table, as_of: datetime) -> pa.Table:
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


def prices_planted(as_of: datetime) -> pa.Table:
    """Return a price list that is in force from `as_of` on, and a day later."""
    rows = [
        {"plan": "planted", "list_amount": _PLANTED_AMOUNT, "valid_from": as_of + days * _DAY}
        for days in (0, 1)
    ]
    return pa.Table.from_pylist(rows, arrow_schema(PLAN_COLUMNS))


def profiles_planted(profiles: Profiles, as_of: datetime) -> Profiles:
    """Return the profiles as if all were acquired later, with every fact filled in."""
    n_customers = len(profiles.acquired)
    return replace(
        profiles,
        acquired=np.full(n_customers, instant_of(as_of) + DAY),
        acquisition_cost=np.full(n_customers, _PLANTED_AMOUNT),
        acquisition_channel=np.full(n_customers, "planted", dtype=object),
        is_referred=np.ones(n_customers, dtype=bool),
        attributes={name: _filled(values) for name, values in profiles.attributes.items()},
    )


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


def _filled(values: NDArray[np.generic]) -> NDArray[np.generic]:
    if values.dtype == object:
        return np.array(["planted" if value is None else value for value in values], dtype=object)
    return np.nan_to_num(values.astype(np.float64), nan=_PLANTED_AMOUNT)
