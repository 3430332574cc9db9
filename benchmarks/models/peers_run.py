"""The product beside every peer on one public data set."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.features.measuring import run_keepworth
from benchmarks.models.data_sets import DataSet
from benchmarks.models.judging import Json, differences, figures
from benchmarks.models.workspaces import backtested, is_set_up

SEED = 1


def beside_peers(data: DataSet, cache: Path) -> Iterator[Json]:
    """Yield one reading for the reported cutoffs of each window, and for the fresh ones."""
    workspace = cache / data.name
    if not is_set_up(data, workspace):
        yield {"missing": f"the data of {data.name} is not here"}
        return
    run_keepworth("ingest", workspace)
    for kind in dict.fromkeys(window.kind for window in data.windows):
        metrics: list[Json] = []
        parts: list[pd.DataFrame] = []
        warnings: list[str] = []
        seconds = 0.0
        for window in data.windows:
            if window.kind == kind:
                answer, predictions = backtested(workspace, window.cutoffs, window.months)
                metrics += answer["metrics"]
                warnings += answer["warnings"]
                seconds += answer["process"]["cpu"]
                parts.append(predictions)
        yield {
            "kind": kind,
            "cpu_seconds": round(seconds),
            "warnings": warnings,
            "figures": list(figures(metrics)),
            "differences": list(differences(pd.concat(parts, ignore_index=True), SEED)),
        }
