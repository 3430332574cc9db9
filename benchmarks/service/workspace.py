"""The workspace that is measured: a simulated operator, some of whose customers have 500 events."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from benchmarks.features.measuring import run_keepworth
from benchmarks.service.postgres import is_installed, postgres_server
from serving.demo.operator import simulate_operator
from serving.store.database import STORE_URL_VARIABLE
from serving.store.serving_version import add_version, find_version
from serving.workspace import Workspace, open_workspace

SEED = 1
SUBSCRIBERS = 2_000
ASKED_ABOUT = 200
HISTORY_EVENTS = 500
_IDS = "asked_about.json"
_SOURCE = """
[[sources]]
name = "more readings"
into = "events"
files = { more = "raw/more.parquet" }
select = "SELECT * FROM more"
"""


def prepared(cache: Path) -> Path:
    """Return the workspace, made if it is not there: simulate, ingest, lengthen, train."""
    folder = cache / f"operator-{SUBSCRIBERS}-{SEED}"
    if not (folder / _IDS).exists():
        shutil.rmtree(folder, ignore_errors=True)
        simulate_operator(SUBSCRIBERS, SEED).write(folder)
        run_keepworth("ingest", folder)
        ids = _lengthened(folder)
        run_keepworth("ingest", folder)
        run_keepworth("train", folder)
        (folder / _IDS).write_text(json.dumps(ids))
    return folder


def databases() -> tuple[str, ...]:
    """Return the live stores that can be measured here."""
    return ("sqlite", "postgresql") if is_installed() else ("sqlite",)


@contextmanager
def copied(cache: Path, database: str = "sqlite") -> Iterator[Workspace]:
    """Yield a copy of the workspace that may be written to, its live store on a database."""
    with TemporaryDirectory(prefix="keepworth-load-") as folder, ExitStack() as ends:
        copy = Path(folder) / "copy"
        shutil.copytree(prepared(cache), copy)
        workspace = open_workspace(copy)
        if database == "postgresql":
            version = find_version(workspace.store)
            os.environ[STORE_URL_VARIABLE] = ends.enter_context(postgres_server())
            ends.callback(os.environ.pop, STORE_URL_VARIABLE)
            workspace = open_workspace(copy)
            add_version(workspace.store, version)
        ends.callback(workspace.store.close)
        yield workspace


def asked_about(workspace: Workspace) -> list[str]:
    """Return the customers with as many events as they are to have."""
    ids: list[str] = json.loads((workspace.folder / _IDS).read_text())
    return ids


def events_of(workspace: Workspace) -> pd.DataFrame:
    """Return the events of the log, of all customers, by customer and instant."""
    log = workspace.log()
    files = [str(path) for path in log.files("events")]
    query = "SELECT * FROM read_parquet($files) ORDER BY customer_id, occurred_at, event_id"
    frame: pd.DataFrame = log.query(query, {"files": files}).to_pandas()
    return frame


def _lengthened(folder: Path) -> list[str]:
    """Give those with the longest histories further readings like those they have."""
    events = events_of(open_workspace(folder))
    gone = events.loc[events["kind"] == "cancel", "customer_id"]
    counts = events.loc[~events["customer_id"].isin(gone), "customer_id"].value_counts()
    missing = (HISTORY_EVENTS - counts)[lambda few: few >= 0].sort_values(kind="stable")
    ids = sorted(missing.index[:ASKED_ABOUT])
    readings = events[(events["kind"] == "usage") & events["customer_id"].isin(ids)]
    more = pd.concat(
        _more(own, int(missing[customer_id]))
        for customer_id, own in readings.groupby("customer_id", sort=True)
    )
    more.to_parquet(folder / "raw" / "more.parquet", index=False)
    with (folder / "keepworth.toml").open("a", encoding="utf-8") as settings:
        settings.write(_SOURCE)
    return ids


def _more(readings: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return so many readings, each some minutes before one that is there."""
    columns = ["customer_id", "kind", "occurred_at", "recorded_at", "amount", "label"]
    rounds = -(-count // len(readings))
    repeated = pd.concat([readings[columns]] * rounds).iloc[:count].copy()
    earlier = pd.to_timedelta([1 + number // len(readings) for number in range(count)], unit="min")
    moved = repeated["occurred_at"] - earlier
    repeated["occurred_at"] = moved.astype("datetime64[us, UTC]")
    return repeated
