"""The reference of a version: how its signals were distributed over the customers of its cutoff.

It lies beside the bundle as JSON, and holds counts alone.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.blocks import blocks
from features.catalogue import signal_matrix
from features.instants import datetime_of
from features.kernel import Moment
from features.log import Log
from features.signals.tenure import SEASON
from features.whole_files import whole_file
from training.bundle import Bundle
from training.drift import Binned, Drift, Reference, drift_of, reference_of
from training.scoring import score

REFERENCE_FILE = "reference.json"
MOST_CUSTOMERS = 50_000
"""Of a larger portfolio every so manieth customer is counted."""
Values = NDArray[np.float64]


def write_reference(bundle: Bundle, log: Log, folder: Path) -> None:
    """Write the reference of a bundle at its cutoff."""
    names, values, _ = customers_at(bundle, log, bundle.cutoff)
    content = {name: asdict(binned) for name, binned in reference_of(names, values).items()}
    with whole_file(folder / REFERENCE_FILE) as draft:
        draft.write_text(json.dumps(content, allow_nan=False) + "\n")


def read_reference(folder: Path) -> Reference | None:
    """Read a reference; None where the version was made before references were."""
    try:
        content = json.loads((folder / REFERENCE_FILE).read_bytes())
    except FileNotFoundError:
        return None
    return {
        name: Binned(tuple(parts["edges"]), tuple(parts["counts"]))
        for name, parts in content.items()
    }


def drift_at(
    bundle: Bundle, reference: Reference, log: Log, as_of: int, false_alarm_rate: float
) -> Drift:
    """Compare the customers of an instant with the reference of a version."""
    names, values, clv = customers_at(bundle, log, as_of)
    return drift_of(reference, names, values, clv, false_alarm_rate)


def customers_at(bundle: Bundle, log: Log, as_of: int) -> tuple[list[str], Values, Values]:
    """Return names of signals, signals (n_customers, n_signals) and CLV of who is there.

    The season is left out: it drifts by itself.
    """
    signals = tuple(signal for signal in bundle.model.signals if signal.group != SEASON)
    every = max(1, bundle.n_customers // MOST_CUSTOMERS)
    values, clv = [np.empty((0, len(signals)))], [np.empty(0)]
    attributes = list(bundle.vocabulary.levels)
    for block in blocks(log, bundle.business, attributes, datetime_of(as_of)):
        moment = Moment(block.history, block.profiles, as_of, bundle.business, bundle.references)
        scores = score(bundle, block, as_of)
        there = np.flatnonzero(scores.forecast.is_customer)[::every]
        values.append(signal_matrix(moment, signals)[there])
        clv.append(scores.clv[there])
    return [signal.name for signal in signals], np.concatenate(values), np.concatenate(clv)
