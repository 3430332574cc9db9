"""The reference of a version: how its signals were distributed over the customers of its cutoff.

It lies beside the bundle as JSON, and holds counts alone.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block, blocks
from features.catalogue import signal_matrix
from features.instants import datetime_of
from features.kernel import Moment
from features.log import Log
from features.signal import Signal
from features.signals.tenure import SEASON
from features.whole_files import whole_file
from training.bundle import Bundle
from training.drift import Binned, Drift, Reference, drift_of, reference_of
from training.scoring import score
from training.shop_rows import buyers_at

REFERENCE_FILE = "reference.json"
MOST_CUSTOMERS = 50_000
"""Of a larger portfolio every so manieth customer is counted."""
Values = NDArray[np.float64]


def write_reference(bundle: Bundle, log: Log, folder: Path) -> None:
    """Write the reference of a bundle at its cutoff."""
    signals, at = _signals_that_may_drift(bundle), bundle.cutoff
    parts = [_values(bundle, part, signals, at) for part in _sampled(bundle, log, at)]
    reference = reference_of([signal.name for signal in signals], _stacked(parts, signals))
    content = {name: asdict(binned) for name, binned in reference.items()}
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
    signals = _signals_that_may_drift(bundle)
    values, clv = list[Values](), [np.empty(0)]
    for part in _sampled(bundle, log, as_of):
        values.append(_values(bundle, part, signals, as_of))
        clv.append(score(bundle, part, as_of).clv)
    names = [signal.name for signal in signals]
    return drift_of(
        reference, names, _stacked(values, signals), np.concatenate(clv), false_alarm_rate
    )


def _sampled(bundle: Bundle, log: Log, as_of: int) -> Iterator[Block]:
    """Yield, block by block, every so manieth customer of an instant."""
    every = max(1, bundle.n_customers // MOST_CUSTOMERS)
    for block in blocks(log, bundle.business, list(bundle.vocabulary.levels), datetime_of(as_of)):
        moment = _moment(bundle, block, as_of)
        is_shop = bundle.business.contract == "transactional"
        there = buyers_at(moment).customer if is_shop else np.flatnonzero(moment.plan.is_open)
        kept = there[::every]
        if len(kept):
            yield Block(block.history.customers(kept), block.profiles.customers(kept))


def _signals_that_may_drift(bundle: Bundle) -> tuple[Signal, ...]:
    """Return what is compared; the season is left out: it drifts by itself."""
    return tuple(signal for signal in bundle.model.signals if signal.group != SEASON)


def _values(bundle: Bundle, part: Block, signals: Sequence[Signal], as_of: int) -> Values:
    return signal_matrix(_moment(bundle, part, as_of), signals)


def _stacked(parts: Sequence[Values], signals: Sequence[Signal]) -> Values:
    return np.concatenate([np.empty((0, len(signals))), *parts])


def _moment(bundle: Bundle, block: Block, as_of: int) -> Moment:
    return Moment(block.history, block.profiles, as_of, bundle.business, bundle.references)
