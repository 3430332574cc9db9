"""The kernel for one customer, and for 32 at once: latency of one call, as the service sees it.

python -m benchmarks.features.online_run SEED REPETITIONS
"""

import gc
import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from benchmarks.features.measuring import Json
from benchmarks.features.signals_compared import REFERENCES, RULES, full_catalogue, instants
from benchmarks.features.synthetic_histories import events_of
from features.catalogue import signal_matrix
from features.contract import EVENT_COLUMNS
from features.history import History, history_from_events
from features.kernel import Moment
from features.log import EVENT_SCHEMA
from features.profiles import unknown_profiles

SIZES = (50, 500, 5_000)
BLOCKS = (1, 32)
SIGNALS = full_catalogue()
AS_OF = instants()[-1]


def main() -> None:
    """Measure every size of history and block, and print the percentiles."""
    seed, repetitions = int(sys.argv[1]), int(sys.argv[2])
    readings = [
        _readings(seed, n_events, n_customers, repetitions)
        for n_events in SIZES
        for n_customers in BLOCKS
    ]
    print(json.dumps({"signals": len(SIGNALS), "repetitions": repetitions, "online": readings}))


def _readings(seed: int, n_events: int, n_customers: int, repetitions: int) -> Json:
    events = contract_events(seed, n_events, n_customers)
    history = history_from_events(events, RULES.minor_units)
    kernel = _milliseconds(lambda: _matrix(history), repetitions)
    whole = _milliseconds(
        lambda: _matrix(history_from_events(events, RULES.minor_units)), repetitions // 4
    )
    return {"events": n_events, "customers": n_customers, "kernel": kernel, "with_history": whole}


def contract_events(seed: int, n_events: int, n_customers: int) -> pa.Table:
    """Return synthetic customers with as many events each, as the log would hold them."""
    events = events_of(np.random.default_rng(seed), np.full(n_customers, n_events), 0, 0)
    absent = [name for name in EVENT_COLUMNS if name not in events.column_names]
    for name in absent:
        events = events.append_column(name, pa.nulls(len(events), EVENT_SCHEMA.field(name).type))
    return events.select(list(EVENT_COLUMNS)).cast(EVENT_SCHEMA)


def _matrix(history: History) -> None:
    profiles = unknown_profiles(history.n_customers)
    signal_matrix(Moment(history, profiles, AS_OF, RULES, REFERENCES), SIGNALS)


def _milliseconds(call: Callable[[], None], repetitions: int) -> dict[str, float]:
    """Return median and 99th percentile of a call, the collector frozen as in the service."""
    for _ in range(repetitions // 20 + 1):
        call()
    gc.collect()
    gc.freeze()
    taken = np.empty(repetitions)
    for number in range(repetitions):
        began = time.perf_counter_ns()
        call()
        taken[number] = time.perf_counter_ns() - began
    gc.unfreeze()
    median, late = np.percentile(taken / 1e6, [50, 99])
    return {"p50_ms": float(median), "p99_ms": float(late)}


if __name__ == "__main__":
    main()
