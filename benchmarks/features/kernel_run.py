"""The kernel on a log, slice by slice, at all cutoffs: reading, staging and signals apart.

python -m benchmarks.features.kernel_run WORKSPACE full|common [--save FILE]
"""

import argparse
import json
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.features.agreement import keep_matrix
from benchmarks.features.measuring import Stopwatch, peak_gb
from benchmarks.features.signals_compared import (
    ATTRIBUTES,
    REFERENCES,
    RULES,
    common_signals,
    full_catalogue,
    instants,
)
from features.catalogue import signal_matrix
from features.history import history_from_events
from features.kernel import Moment
from features.log import Log
from features.profiles import profiles_of
from features.signal import Signal
from features.slices import Slice, slices

SIGNALS = {"full": full_catalogue, "common": common_signals}


def main() -> None:
    """Run once and print the readings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("signals", choices=SIGNALS)
    parser.add_argument("--save", type=Path)
    arguments, watch = parser.parse_args(), Stopwatch()
    log, signals = Log.open(arguments.workspace / "state"), SIGNALS[arguments.signals]()
    deque(signals_by_slice(log, signals, Stopwatch(), [next(slices(log))]), maxlen=0)
    with watch.timed("reading"):
        parts = list(slices(log))
    for as_of, ids, matrix in signals_by_slice(log, signals, watch, parts):
        if arguments.save:
            keep_matrix(arguments.save, as_of, ids, matrix)
    readings = {"events": log.n_events, "signals": len(signals), "peak_gb": peak_gb()}
    print(json.dumps(readings | watch.readings()))


def signals_by_slice(
    log: Log, signals: Sequence[Signal], watch: Stopwatch, parts: Sequence[Slice]
) -> Iterator[tuple[int, NDArray[np.object_], NDArray[np.float64]]]:
    """Yield cutoff, customers and signals, a slice of the log after another."""
    for part in parts:
        with watch.timed("reading"):
            events = log.read_events(part.bucket, between=(part.first, part.last))
        with watch.timed("staging"):
            history = history_from_events(events, RULES.minor_units)
            del events
        ids = list(history.customer_ids)
        with watch.timed("reading"):
            profiles = profiles_of(log.read_customers(ids), ids, ATTRIBUTES)
        for as_of in instants():
            with watch.timed("signals"):
                moment = Moment(history, profiles, as_of, RULES, REFERENCES)
                matrix = signal_matrix(moment, signals)
            yield as_of, history.customer_ids, matrix


if __name__ == "__main__":
    main()
