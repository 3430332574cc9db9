"""An OpenAPI fuzzer against the real server, with authentication on: no failure on any route."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from serving.api.access import OPEN
from serving.api.openapi import OPERATIONS, openapi_document
from tests.serving.api.conftest import Keyed

_SETTINGS = Path(__file__).with_name("fuzzing.toml")


def described_as_keyed(folder: Path) -> Path:
    """Write the document as it holds once there are keys: without one nothing is answered."""
    document = openapi_document()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            operation["security"] = [] if path in OPEN else [{"key": []}]
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    return file


def fuzzed(keyed: Keyed, folder: Path, seconds: int, seed: int) -> None:
    """Fuzz every route for so long; whatever the fuzzer finds fails."""
    file = described_as_keyed(folder)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", _SETTINGS, "run", file]
    command += ["--url", keyed.base_url, "--header", f"Authorization: Bearer {keyed.tokens['all']}"]
    command += ["--checks", "all", "--seed", str(seed), "--no-color", "--continue-on-failure"]
    command += ["--max-time", str(seconds), "--suppress-health-check", "all"]
    run = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, timeout=280
    )
    assert run.returncode == 0, run.stdout + run.stderr
    selected = len(OPERATIONS)
    assert f"Selected: {selected}/{selected}" in run.stdout
    assert httpx.get(f"{keyed.base_url}/readyz", trust_env=False).status_code == 200


def test_a_short_fuzzing_finds_nothing(keyed: Keyed, tmp_path: Path) -> None:
    fuzzed(keyed, tmp_path, 8, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
def test_a_long_fuzzing_finds_nothing(keyed: Keyed, tmp_path: Path, seed: int) -> None:
    fuzzed(keyed, tmp_path, 120, seed)
