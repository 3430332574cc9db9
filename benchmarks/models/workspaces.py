"""Workspaces of the public data sets, and the product's commands on them."""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.features.measuring import ROOT, run_keepworth
from benchmarks.models.data_sets import DataSet
from benchmarks.run_examples import keepworth

EVENTSIM = ("events.parquet", "users.parquet")


def is_set_up(data: DataSet, folder: Path) -> bool:
    """Set a data set's workspace up anew, ready to ingest; False where its data is not here."""
    shutil.rmtree(folder, ignore_errors=True)
    if data.example is None:
        if not _copied_eventsim(folder):
            return False
    elif keepworth("init", str(folder), "--example", data.example) is None:
        return False
    configure(folder, data.settings)
    if data.name == "cdnow-sample":
        _keep_sample(folder / "data" / "purchases.parquet")
    return True


def configure(folder: Path, settings: Sequence[tuple[str, str]]) -> None:
    """Replace words of a workspace's keepworth.toml.

    Raises
    ------
    ValueError
        If the words to replace are not there once.
    """
    file = folder / "keepworth.toml"
    text = file.read_text("utf-8")
    for before, after in settings:
        if text.count(before) != 1:
            found = text.count(before)
            raise ValueError(f"{before!r} is {found} times in {file}; it must be there once.")
        text = text.replace(before, after)
    file.write_text(text, "utf-8")


def backtested(
    workspace: Path, cutoffs: Sequence[str], months: Sequence[int], peers: Sequence[str] = ()
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the answer of `keepworth backtest` and its predictions, by default of all peers."""
    words = [word for cutoff in cutoffs for word in ("--cutoff", cutoff)]
    words += [word for month in months for word in ("--months", str(month))]
    words += [word for peer in peers for word in ("--peer", peer)]
    answer, used = run_keepworth("backtest", workspace, *words)
    predictions = pd.read_parquet(Path(answer["folder"]) / "predictions.parquet")
    return answer | {"process": used}, predictions


def _copied_eventsim(folder: Path) -> bool:
    source = ROOT.parent / "shared" / "data" / "eventsim_music"
    if not all((source / name).exists() for name in EVENTSIM):
        return False
    (folder / "data").mkdir(parents=True)
    for name in EVENTSIM:
        shutil.copyfile(source / name, folder / "data" / name)
    shutil.copyfile(ROOT / "benchmarks/models/eventsim/keepworth.toml", folder / "keepworth.toml")
    return True


def _keep_sample(purchases: Path) -> None:
    """Keep the tenth of customers that the literature uses, by their number in the whole file."""
    spec = find_spec("lifetimes")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("CDNOW_sample.txt; run `make examples`, which installs lifetimes.")
    sample = Path(spec.submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"
    ids = sorted({line.split()[0] for line in sample.read_text("ascii").splitlines() if line})
    table = pq.read_table(purchases)
    kept = pc.is_in(table["customer_id"], value_set=pc.cast(ids, "string"))
    pq.write_table(table.filter(kept), purchases)
