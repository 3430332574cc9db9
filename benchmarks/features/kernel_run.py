"""The kernel on a log, bucket by bucket, at all cutoffs: reading, staging and signals apart.

python -m benchmarks.features.kernel_run WORKSPACE full|common [--save FILE]
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.features.measuring import Stopwatch, peak_gb
from benchmarks.features.signals_compared import (
    ATTRIBUTES,
    REFERENCES,
    RULES,
    common_signals,
    full_catalogue,
    instants,
)
from features.blocks import Block, block_of
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
    arguments = parser.parse_args()
    log, signals = Log.open(arguments.workspace / "state"), SIGNALS[arguments.signals]()
    watch = Stopwatch()
    found = [
        of_slice
        for bucket in range(log.n_buckets)
        for of_slice in bucket_signals(log, bucket, signals, watch, keep=bool(arguments.save))
    ]
    if arguments.save:
        save(arguments.save, [ids for ids, _ in found], [values for _, values in found])
    readings = {"events": log.n_events, "signals": len(signals), "peak_gb": peak_gb()}
    print(json.dumps(readings | watch.readings()))


def bucket_signals(
    log: Log, bucket: int, signals: Sequence[Signal], watch: Stopwatch, *, keep: bool
) -> list[tuple[NDArray[np.object_], NDArray[np.float64]]]:
    """Compute the signals of one bucket at all cutoffs; return them only if they are kept."""
    with watch.timed("reading"):
        events, customers = log.read_events(bucket), log.read_customers()
    found = []
    for part in customer_slices(events):
        with watch.timed("staging"):
            block = block_of(part, customers, RULES, ATTRIBUTES)
        matrices = [matrix_at(block, as_of, signals, watch) for as_of in instants()]
        if keep:
            found.append((block.history.customer_ids, np.stack(matrices)))
    return found


def matrix_at(
    block: Block, as_of: int, signals: Sequence[Signal], watch: Stopwatch
) -> NDArray[np.float64]:
    """Return the signals of a block at one cutoff."""
    with watch.timed("signals"):
        moment = Moment(block.history, block.profiles, as_of, RULES, REFERENCES)
        return signal_matrix(moment, signals)


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


def save(
    path: Path, ids: Sequence[NDArray[np.object_]], matrices: Sequence[NDArray[np.float64]]
) -> None:
    """Save shape (n_cutoffs, n_customers, n_signals), customers sorted by id."""
    order = np.argsort(np.concatenate(ids).astype(str))
    np.save(path, np.concatenate(matrices, axis=1)[:, order])


if __name__ == "__main__":
    main()
