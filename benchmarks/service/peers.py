"""Other ways to serve: the same model behind `mlflow models serve`, and a plain FastAPI service.

All in one run, with as many workers, on the same customers. MLflow's server has no store: it gets
the 500 events of a customer with each call, as our inline scores do.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import cycle
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pandas as pd

from benchmarks.features.measuring import ROOT, Json
from benchmarks.service import calls, peer_model
from benchmarks.service.load import closed_loop, request
from benchmarks.service.measured import WORKERS, measured
from benchmarks.service.workspace import asked_about, copied, events_of
from serving.api.serve import running_service
from serving.workspace import Workspace

CONNECTIONS = (1, 16)
ASKED_WITH_EVENTS = 50
_WARMING_SECONDS = 3.0
_STARTING_SECONDS = 180.0
_JSON = "application/json"


def peers(cache: Path, seconds: float) -> Iterator[Json]:
    """Yield latency and throughput of each, one after the other."""
    with copied(cache) as workspace:
        events, ids = events_of(workspace), asked_about(workspace)
        with running_service(workspace, workers=WORKERS) as url:
            by_id = calls.scores_by_id(url, ids)
            inline = calls.scores_inline(url, events, ids[:ASKED_WITH_EVENTS])
            yield from _rows("keepworth, by id", url, by_id, seconds)
            yield from _rows("keepworth, with events", url, inline, seconds)
        with _mlflow(workspace) as url:
            asked = _frames(url, events, ids[:ASKED_WITH_EVENTS])
            yield from _rows("mlflow models serve, with events", url, asked, seconds)
        with _fastapi(workspace, events) as url:
            asked = _by_id(url, ids)
            yield from _rows("FastAPI and pandas, by id", url, asked, seconds)


def _rows(name: str, url: str, requests: Iterator[bytes], seconds: float) -> Iterator[Json]:
    closed_loop(url, requests, CONNECTIONS[-1], _WARMING_SECONDS)
    for connections in CONNECTIONS:
        yield measured(name, connections, partial(closed_loop, url, requests, connections, seconds))


@contextmanager
def _mlflow(workspace: Workspace) -> Iterator[str]:
    """Serve the version that the product registered."""
    store = f"sqlite:///{workspace.folder / 'mlruns' / 'mlflow.db'}"
    program = str(Path(sys.executable).with_name("mlflow"))
    words = ["models", "serve", "-m", _logged_model(workspace), "--env-manager", "local"]
    # MLflow starts uvicorn by its bare name.
    found_in = f"{Path(program).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    settings = {"MLFLOW_TRACKING_URI": store, "OMP_NUM_THREADS": "1", "PATH": found_in}
    with _serving([program, *words, "--workers", str(WORKERS)], settings, "/ping") as url:
        yield url


def _logged_model(workspace: Workspace) -> str:
    """Return the folder of the logged model: the copy is not where it was registered."""
    found = sorted((workspace.folder / "mlruns" / "artifacts").rglob("MLmodel"))
    return str(found[-1].parent)


@contextmanager
def _fastapi(workspace: Workspace, events: pd.DataFrame) -> Iterator[str]:
    folder = workspace.folder / "peer"
    folder.mkdir()
    events.to_parquet(folder / "events.parquet")
    histories = {str(name): own for name, own in events.groupby("customer_id", sort=False)}
    peer_model.fit(histories, folder / "model.ubj")
    program = str(Path(sys.executable).with_name("uvicorn"))
    words = ["benchmarks.service.fastapi_peer:app", "--workers", str(WORKERS)]
    settings = {"KEEPWORTH_PEER": str(folder), "OMP_NUM_THREADS": "1"}
    with _serving([program, *words, "--no-access-log"], settings, "/openapi.json") as url:
        yield url


@contextmanager
def _serving(command: list[str], settings: dict[str, str], ready: str) -> Iterator[str]:
    """Run a server on a free port of loopback until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(  # noqa: S603 -- programs of our own environment
        [*command, "--port", str(port)],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _await(process, url + ready)
        yield url
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def _await(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _STARTING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(URLError, OSError), urlopen(url, timeout=5) as answer:  # noqa: S310
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"{process.args} does not answer.")


def _frames(url: str, events: pd.DataFrame, ids: list[str]) -> Iterator[bytes]:
    bodies = []
    for name in ids:
        own = events[events["customer_id"] == name]
        frame = json.loads(own.to_json(orient="split", date_format="iso", index=False))
        bodies.append(json.dumps({"dataframe_split": frame}).encode())
    return cycle([request(url, "/invocations", _JSON, body) for body in bodies])


def _by_id(url: str, ids: list[str]) -> Iterator[bytes]:
    bodies = [json.dumps({"customer_ids": [name]}).encode() for name in ids]
    return cycle([request(url, "/score", _JSON, body) for body in bodies])
