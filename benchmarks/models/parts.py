"""The parts of the benchmark: each yields the readings of one question."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.models.data_sets import DATA_SETS
from benchmarks.models.judging import Json
from benchmarks.models.noise import noise
from benchmarks.models.peers_run import beside_peers
from benchmarks.models.scale import training_scale
from benchmarks.models.truth import truth

Part = Callable[[Path], Iterator[Json]]

PARTS: dict[str, Part] = {
    **{name: partial(beside_peers, data) for name, data in DATA_SETS.items()},
    "noise": noise,
    "truth": truth,
    "scale": training_scale,
}
