"""How long one fit of the hazard takes, and how much memory, at growing numbers of customers."""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.features.measuring import run_process
from benchmarks.models.judging import Json

SIGNALS = 108
"""About as many as the catalogue gives a subscription business."""
SIZES = ((10_000, SIGNALS), (100_000, SIGNALS), (1_000_000, SIGNALS), (1_000_000, 20))
LIMIT_GB = 14.0
SEED = 1


def training_scale(cache: Path) -> Iterator[Json]:  # noqa: ARG001 -- it needs no files
    """Yield what one fit takes at each size; one that does not fit in memory says so."""
    for customers, signals in SIZES:
        size = {"customers": customers, "signals": signals}
        words = [str(customers), str(signals), str(SEED), str(LIMIT_GB)]
        try:
            taken, _ = run_process([sys.executable, "-m", "benchmarks.models.scale_run", *words])
        except RuntimeError as error:
            if "MemoryError" not in str(error) and "bad_alloc" not in str(error):
                raise
            taken = {"failed": f"does not fit in {LIMIT_GB:g} GB"}
        yield size | taken
