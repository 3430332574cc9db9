"""The kernel on a log, bucket by bucket, at all cutoffs: reading, staging and signals apart.

python -m benchmarks.features.kernel_run WORKSPACE full|common [--save FILE]
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
from features.blocks import block_of
from features.catalogue import signal_matrix
from features.kernel import Moment
from features.log import Log
from features.signal import Signal

SIGNALS = {"full": full_catalogue, "common": common_signals}
EVENTS_IN_SLICE = 500_000


def main() -> None:
    """Run once and print the readings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("signals", choices=SIGNALS)
    parser.add_argument("--save", type=Path)
    arguments, watch = parser.parse_args(), Stopwatch()
    log, signals = Log.open(arguments.workspace / "state"), SIGNALS[arguments.signals]()
    warm_up(log, signals)
    for bucket in range(log.n_buckets):
        for as_of, ids, matrix in bucket_signals(log, bucket, signals, watch):
            if arguments.save:
                keep_matrix(arguments.save, as_of, ids, matrix)
    readings = {"events": log.n_events, "signals": len(signals), "peak_gb": peak_gb()}
    print(json.dumps(readings | watch.readings()))


def bucket_signals(
    log: Log, bucket: int, signals: Sequence[Signal], watch: Stopwatch
) -> Iterator[tuple[int, NDArray[np.object_], NDArray[np.float64]]]:
    """Yield cutoff, customers and signals of one bucket, some customers at a time."""
    with watch.timed("reading"):
        events, customers = log.read_events(bucket), log.read_customers()
    for part in customer_slices(events):
        with watch.timed("staging"):
            block = block_of(part, customers, RULES, ATTRIBUTES)
        for as_of in instants():
            with watch.timed("signals"):
                moment = Moment(block.history, block.profiles, as_of, RULES, REFERENCES)
                matrix = signal_matrix(moment, signals)
            yield as_of, block.history.customer_ids, matrix


def warm_up(log: Log, signals: Sequence[Signal]) -> None:
    """Compute a few customers untimed, so that no timed part waits for imports."""
    bucket = next(bucket for bucket in range(log.n_buckets) if log.files("events", bucket))
    block = block_of(log.read_events(bucket).slice(0, 100), log.read_customers(), RULES, ATTRIBUTES)
    moment = Moment(block.history, block.profiles, instants()[0], RULES, REFERENCES)
    signal_matrix(moment, signals)


def customer_slices(events: pa.Table) -> list[pa.Table]:
    """Cut events sorted by customer into slices of whole customers."""
    ids = events.column("customer_id").combine_chunks()
    edges = [0]
    while edges[-1] + EVENTS_IN_SLICE < len(ids):
        last = ids[edges[-1] + EVENTS_IN_SLICE]
        edges.append(pc.index(ids, last, edges[-1]).as_py())
    return [
        events.slice(first, past - first)
        for first, past in zip(edges, [*edges[1:], len(ids)], strict=True)
        if past > first
    ]


if __name__ == "__main__":
    main()
