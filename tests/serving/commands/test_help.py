"""Help answers at once, and says how each command is called."""

import os
import subprocess
import sys
import time

import pytest

from tests.serving.commands.terminal import done, keepworth

COMMANDS = (
    "init",
    "ingest",
    "features",
    "train",
    "backtest",
    "score",
    "serve",
    "retrain",
    "monitor",
    "promote",
    "rollback",
    "drain",
    "demo",
    "keys make",
    "keys list",
    "keys revoke",
    "audit list",
    "audit forget",
    "campaigns list",
    "campaigns check",
    "campaigns run",
    "campaigns export",
    "campaigns report",
    "campaigns learn",
)
HEAVY = (
    "mlflow",
    "xgboost",
    "pandas",
    "sklearn",
    "duckdb",
    "pyarrow",
    "bentoml",
    "numpy",
    "sqlalchemy",
)
_SLOWEST_HELP_SECONDS = 2.0
"""Far above the half second that it takes, so that a busy machine does not fail the test."""


def in_a_new_process(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )


def test_help_answers_at_once():
    begun = time.monotonic()
    answer = in_a_new_process("from serving.commands.main import main; main(['--help'])").stdout
    assert time.monotonic() - begun < _SLOWEST_HELP_SECONDS
    assert all(f"  {command.split()[0]} " in answer for command in COMMANDS)


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from serving.commands.main import main\n"
        "try: main(['train', '--help'])\n"
        f"finally: print('heavy:', sorted(set({HEAVY}) & set(sys.modules)))"
    )
    assert in_a_new_process(code).stdout.endswith("heavy: []\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    told = keepworth(*command.split(), "--help")
    assert told.code == 0
    assert f"Example: keepworth {command}" in " ".join(told.out.split())
    assert "--json" in told.out


def test_without_a_command_the_help_is_shown():
    assert keepworth().out == keepworth("--help").out


def test_the_catalogue_is_listed_outside_of_any_workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    signals = done("features", "--list")["signals"]
    assert len(signals) >= 40
    assert all(signal["sentence"] and signal["unit"] for signal in signals)


def test_init_says_what_it_wrote_and_its_configuration_is_sound_but_for_the_data(tmp_path):
    answer = done("init", tmp_path / "shop")
    assert answer["files"] == [str(tmp_path / "shop" / "keepworth.toml")]
    problem = keepworth("ingest", "-C", tmp_path / "shop", "--json").json
    assert [mistake["key"] for mistake in problem["errors"]] == [
        "sources[contracts].files.contracts"
    ]
