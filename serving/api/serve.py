"""Starting and stopping the service: a BentoML server in a process group of its own."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from features.mistakes import ConfigurationError, Mistake
from serving.api.not_serving import NotServingError
from serving.campaigns.listening import Listening
from serving.campaigns.taught import TaughtNow
from serving.configuration import rulebook_of
from serving.delivery.webhooks import signing_keys
from serving.store.keys import has_keys
from serving.store.serving_version import load_version
from serving.workspace import Workspace

LOOPBACK = "127.0.0.1"
READY_SECONDS = 120.0
STOP_SECONDS = 10.0
_SERVICE = "serving.api.service:Keepworth"
_STDERR = 2
_CODE = Path(__file__).parents[2]


def serve(workspace: Workspace, host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT; no process is left behind.

    Raises
    ------
    ConfigurationError
        If the host is not loopback and no key was made, the port is taken, there are no workers,
        the environment lacks a webhook's secret, or a campaign cannot run as configured.
    InputRefusedError
        If campaigns are configured for a shop.
    NotFoundError
        If no model version serves.
    AlteredModelError
        If its files are not those that were registered.
    NotServingError
        If the server ends by itself.
    """
    address = _checked_address(host, port, workers, has_keys=has_keys(workspace.store))
    bundle = load_version(workspace.store)
    taught = TaughtNow(workspace.response_files())
    Listening(rulebook_of(workspace.configuration), taught).require_fit(bundle)
    signing_keys(workspace.configuration.webhooks, os.environ)
    with (
        suppress(KeyboardInterrupt),
        _sigterm_as_interrupt(),
        _server(workspace, address, port, workers) as process,
    ):
        if process.wait():
            raise NotServingError("The server ended by itself; what it said stands above.")


@contextmanager
def running_service(workspace: Workspace, port: int = 0, workers: int = 1) -> Iterator[str]:
    """Run the service on loopback, yield its base URL once it is ready, then stop it.

    Parameters
    ----------
    port
        0 takes a free one.

    Raises
    ------
    NotServingError
        If it is not ready within two minutes, with the end of what it said.
    """
    chosen = port or _free_port()
    address = _checked_address(LOOPBACK, chosen, workers, has_keys=False)
    load_version(workspace.store)
    log = workspace.state / "service.log"
    base_url = f"http://{address}:{chosen}"
    with (
        log.open("wb") as said,
        _server(workspace, address, chosen, workers, said.fileno()) as process,
    ):
        _await_ready(process, base_url, log)
        yield base_url


@contextmanager
def _server(
    workspace: Workspace, address: str, port: int, workers: int, output: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the server as the leader of a new process group; end the whole group."""
    command = [sys.executable, "-m", "bentoml", "serve", _SERVICE, "--working-dir", str(_CODE)]
    with TemporaryDirectory(prefix="keepworth-serve-", ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter and arguments
            [*command, "--host", address, "--port", str(port)],
            env=os.environ | _settings(workspace, workers, home),
            stdin=subprocess.DEVNULL,
            stdout=_STDERR if output is None else output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _stop(process)


def _settings(workspace: Workspace, workers: int, home: str) -> dict[str, str]:
    """Return the environment of the server: no telemetry, and a home that two never share."""
    return {
        "KEEPWORTH_WORKSPACE": str(workspace.folder),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": home,
        "BENTOML_CONFIG_OPTIONS": f"services.Keepworth.workers={workers}",
        "OMP_NUM_THREADS": "1",
    }


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop its workers, then end whatever is left of its group."""
    process.send_signal(signal.SIGTERM)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt, so that both end in the same way."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- a handler
    raise KeyboardInterrupt


def _await_ready(process: subprocess.Popen[bytes], base_url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(base_url):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text("utf-8", errors="replace")[-2000:]
            raise NotServingError(f"{base_url} was not ready; {log} ends with:\n{said}")
        time.sleep(0.1)


def _is_ready(base_url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{base_url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _checked_address(host: str, port: int, workers: int, *, has_keys: bool) -> str:
    """Return the address to listen on, if that is possible; beyond loopback only with keys."""
    address = LOOPBACK if host == "localhost" else host
    mistakes = []
    if not _is_address(address):
        expected = "expected an address such as 127.0.0.1 or 0.0.0.0, or localhost"
        mistakes.append(Mistake("host", host, expected))
    elif not has_keys and not ipaddress.ip_address(address).is_loopback:
        expected = (
            "expected 127.0.0.1, ::1 or localhost: there are no keys yet to face a network; make "
            "one with `keepworth keys make`"
        )
        mistakes.append(Mistake("host", host, expected))
    if workers < 1:
        mistakes.append(Mistake("workers", str(workers), "expected at least 1"))
    if not 1 <= port <= 65_535:
        mistakes.append(Mistake("port", str(port), "expected 1 to 65535"))
    elif not mistakes and (reason := _reason_not_to_bind(address, port)):
        expected = "expected a port free to listen on; choose another with --port"
        mistakes.append(Mistake("port", f"{port} on {address}: {reason}", expected))
    if mistakes:
        raise ConfigurationError("the service cannot start there", mistakes)
    return address


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _reason_not_to_bind(address: str, port: int) -> str | None:
    with socket.socket(_family(address), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.strerror
    return None


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
