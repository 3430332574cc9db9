"""The real server: BentoML, a socket, worker processes; started once, and stopped for sure."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from features.mistakes import ConfigurationError, NotFoundError
from serving.api.cloud_events import STRUCTURED
from serving.api.openapi import openapi_json
from serving.api.serve import running_service, serve
from serving.limits import DEFAULT_LIMITS
from serving.store.live_events import live_history
from serving.workspace import Workspace, open_workspace
from tests.serving.api.calls import JSON, Row, copy_of, problem

_NAMING = threading.Lock()


@pytest.fixture(scope="module")
def server(operator_workspace: Workspace) -> Iterator[httpx.Client]:
    with (
        running_service(operator_workspace) as base_url,
        httpx.Client(base_url=base_url, timeout=60, trust_env=False) as client,
    ):
        yield client


def test_the_server_gives_the_numbers_of_batch(
    server: httpx.Client, batch_rows: dict[str, Row]
) -> None:
    ids = list(batch_rows)[::40]
    answer = server.post("/v1/score", json={"customer_ids": ids})
    assert answer.json()["scores"] == [batch_rows[name] for name in ids]


def test_the_server_serves_our_document_and_pages(server: httpx.Client) -> None:
    assert server.get("/openapi.json").content == openapi_json()
    for path in ("/", "/docs"):
        page = server.get(path)
        assert page.headers["content-security-policy"]
        assert "BentoML" not in page.text


@pytest.mark.parametrize("path", ["/docs.json", "/schema.json", "/static_content/x.js", "/healthz"])
def test_nothing_of_bentoml_shows(server: httpx.Client, path: str) -> None:
    problem(server.get(path), 404)


def test_problems_have_our_shape_on_the_wire(server: httpx.Client) -> None:
    problem(server.get("/v1/score"), 405)
    problem(server.post("/v1/score", content=b"{", headers=JSON), 400)
    problem(server.post("/v1/score", json={"customer_ids": ["ghost"]}), 404)


def test_a_body_of_60_mb_is_413(server: httpx.Client) -> None:
    problem(server.post("/v1/score", content=b" " * 60_000_000, headers=JSON), 413)


def test_an_endless_body_is_413(server: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65_536

    answer = server.post("/v1/score", content=endless(), headers=JSON)
    problem(answer, 413)
    assert f"{DEFAULT_LIMITS.body_bytes:,}" in answer.json()["detail"]
    assert server.get("/readyz").status_code == 200


def test_metrics_add_up_over_the_wire(server: httpx.Client) -> None:
    exposition = server.get("/metrics")
    assert exposition.headers["content-type"].startswith("text/plain")
    assert 'keepworth_http_requests_total{method="POST",route="/v1/score"' in exposition.text


def test_serving_ends_with_its_signal_and_leaves_no_process(
    operator_workspace: Workspace, tmp_path: Path
) -> None:
    port = _free_port()
    code = (
        "import sys; from pathlib import Path; from serving.api.serve import serve; "
        "from serving.workspace import open_workspace; "
        f"serve(open_workspace(Path(sys.argv[1])), 'localhost', {port}, 2); print('stopped')"
    )
    command = [sys.executable, "-c", code, str(operator_workspace.folder)]
    others = _processes_naming(operator_workspace)
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        _await_ready(port)
        started = _processes_naming(operator_workspace) - others
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    finally:
        # Its server ends with it only if it is asked to.
        process.terminate()
        process.wait(30)
    assert (process.returncode, said) == (0, b"stopped\n")
    assert len(started) >= 3
    assert not _processes_naming(operator_workspace) & started


def test_a_host_beyond_loopback_is_refused(operator_workspace: Workspace) -> None:
    for host in ("192.168.1.5", "::"):
        with pytest.raises(ConfigurationError, match="there are no keys yet"):
            serve(operator_workspace, host, 3000, 1)
    with pytest.raises(ConfigurationError, match="expected an address such as"):
        serve(operator_workspace, "example.com", 3000, 1)


def test_a_busy_port_is_refused(operator_workspace: Workspace) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(ConfigurationError, match="already in use; expected a port free"):
            serve(operator_workspace, "127.0.0.1", busy.getsockname()[1], 1)


@pytest.mark.parametrize(("port", "workers"), [(0, 1), (70_000, 1), (3000, 0)])
def test_impossible_settings_are_refused(
    operator_workspace: Workspace, port: int, workers: int
) -> None:
    with pytest.raises(ConfigurationError, match="the service cannot start there"):
        serve(operator_workspace, "127.0.0.1", port, workers)


def test_without_a_model_nothing_starts(operator_workspace: Workspace, tmp_path: Path) -> None:
    settings = (operator_workspace.folder / "keepworth.toml").read_text("utf-8")
    (tmp_path / "keepworth.toml").write_text(settings, "utf-8")
    with pytest.raises(NotFoundError, match="run `keepworth train` first"):
        serve(open_workspace(tmp_path), "127.0.0.1", _free_port(), 1)


def _await_ready(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                return
        time.sleep(0.2)
    pytest.fail("the service was not ready within two minutes")


def _processes_naming(workspace: Workspace) -> set[int]:
    """Return the processes that serve a workspace, by their environment."""
    named = f"KEEPWORTH_WORKSPACE={workspace.folder}".encode()
    found = set()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if named in entry.read_bytes():
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_acknowledged_events_outlive_a_killed_server(
    operator_workspace: Workspace, tmp_path: Path
) -> None:
    workspace = copy_of(operator_workspace, tmp_path / "copy")
    acknowledged: list[str] = []
    for kill in range(2):
        with (
            running_service(workspace) as base_url,
            httpx.Client(base_url=base_url, timeout=60, trust_env=False) as client,
            ThreadPoolExecutor(4) as pool,
        ):
            names = (f"k{kill}-{number}" for number in range(100_000))
            posting = [pool.submit(_post_until_killed, client, names) for _ in range(4)]
            time.sleep(1.5 + kill)
            _kill_server(urlsplit(base_url).port)
            acknowledged += [name for done in posting for name in done.result()]
    assert len(acknowledged) > 20
    kept = live_history(workspace.store, ["posted"]).events.column("event_id").to_pylist()
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)


def _kill_server(port: int | None) -> None:
    """Kill the server of a port and its workers, the workers first."""
    for process in psutil.Process().children():
        with suppress(psutil.Error):
            if process.cmdline()[-1:] == [str(port)]:
                for one in (*process.children(recursive=True), process):
                    one.kill()


def _post_until_killed(client: httpx.Client, names: Iterator[str]) -> list[str]:
    """Post one event after another; return the ids of those that were acknowledged."""
    acknowledged: list[str] = []
    headers = {"content-type": STRUCTURED}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with _NAMING:
            name = next(names)
        said = {
            "specversion": "1.0",
            "id": name,
            "source": "/tests",
            "subject": "posted",
            "type": "keepworth.support",
            "time": "2023-06-01T00:00:00Z",
        }
        try:
            answer = client.post("/v1/events", content=json.dumps(said), headers=headers)
        except httpx.TransportError:
            return acknowledged
        assert answer.json()["accepted"] == 1
        acknowledged.append(name)
    pytest.fail("the server was not killed")
