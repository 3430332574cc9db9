"""The kernel and the SQL form side by side on the same events, compared bit for bit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.history import history_from_events
from features.kernel import Moment
from features.profiles import profiles_of
from features.references import References
from features.rules import CustomerRules
from features.signal import Signal
from tests.features.sql_form.form import SqlForm

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Name a customer's signal that the two do not agree on."""

    customer_id: str
    as_of: int
    signal: str
    kernel: float
    sql: float


@dataclass(frozen=True)
class Business:
    """Hold what both need to know beside the events."""

    signals: tuple[Signal, ...]
    rules: CustomerRules
    attributes: tuple[str, ...] = ()
    customers: pa.Table | None = None


def differences(
    business: Business, form: SqlForm, events: pa.Table, references: Mapping[int, References]
) -> list[Difference]:
    """Return where kernel and SQL form differ, at every as_of that the references name."""
    form.stage_table(events)
    table = form.signals(references)
    customer_ids = sorted(set(events.column("customer_id").to_pylist()))
    found = dict(kernel_matrices(business, events, customer_ids, references))
    names = [signal.name for signal in business.signals]
    size = len(customer_ids)
    differing = []
    for number, as_of in enumerate(sorted(references)):
        rows = table.slice(number * size, size)
        if rows.column("customer_id").to_pylist() != customer_ids:
            raise ValueError(f"the SQL form left out customers at {as_of}; give it all of them.")
        pairs = (found[as_of], matrix_of(rows, names))
        differing += list(_differing(customer_ids, as_of, names, *pairs))
    return differing


def kernel_matrices(
    business: Business,
    events: pa.Table,
    customer_ids: Sequence[str],
    references: Mapping[int, References],
) -> Iterator[tuple[int, Values]]:
    """Yield each as_of with the kernel's signals there, shape (n_customers, n_signals)."""
    rules = business.rules
    history = history_from_events(events, rules.minor_units, customer_ids, rules.usage_scale)
    profiles = profiles_of(business.customers, customer_ids, business.attributes)
    for as_of, known in references.items():
        moment = Moment(history, profiles, as_of, business.rules, known)
        yield as_of, signal_matrix(moment, business.signals)


def matrix_of(table: pa.Table, names: Sequence[str]) -> Values:
    """Return the named columns, shape (n_rows, n_names); null becomes NaN."""
    columns = [table.column(name).to_numpy(zero_copy_only=False) for name in names]
    return np.column_stack([np.asarray(column, np.float64) for column in columns])


def _differing(
    customer_ids: Sequence[str], as_of: int, names: Sequence[str], kernel: Values, sql: Values
) -> Iterator[Difference]:
    """Yield what differs in any bit; NaN equals NaN."""
    is_same = kernel.view(np.int64) == np.ascontiguousarray(sql).view(np.int64)
    is_same |= np.isnan(kernel) & np.isnan(sql)
    for row, column in np.argwhere(~is_same):
        pair = float(kernel[row, column]), float(sql[row, column])
        yield Difference(customer_ids[row], as_of, names[column], *pair)
