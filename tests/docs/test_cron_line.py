"""The line for cron that the page on retraining gives, run as cron runs it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.commands.small_workspace import write_small_workspace
from tests.serving.commands.terminal import done
from tests.serving.retraining.steady import write_steady_workspace

PAGE = Path(__file__).resolve().parents[2] / "docs" / "retraining.md"


def cron_command(workspace: Path) -> str:
    """Return the command of the line, with this machine's places in it."""
    [line] = re.findall(r"```cron\n(.*)\n```", PAGE.read_text("utf-8"))
    assert re.match(r"(?:[\d*]+ ){5}", line)
    # Cron turns a bare per cent sign into a line's end.
    assert "%" not in line
    command = line.split(" ", 5)[5]
    program = Path(sys.executable).parent / "keepworth"
    return command.replace("/srv/shop/.venv/bin/keepworth", str(program)).replace(
        "/srv/shop", str(workspace)
    )


def as_cron_runs(workspace: Path) -> str:
    """Run the command in cron's bare environment; return what would be mailed."""
    bare = {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": str(workspace)}
    ended = subprocess.run(
        ["/bin/sh", "-c", cron_command(workspace)],
        env=bare, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ended.stdout + ended.stderr


def test_what_needs_a_person_is_mailed(tmp_path: Path) -> None:
    write_small_workspace(tmp_path)
    mail = as_cron_runs(tmp_path)
    assert mail == f"keepworth retrain ended with 12; see {tmp_path}/retrain.log\n"
    assert json.loads((tmp_path / "retrain.log").read_text())["outcome"] == "data refused"


@pytest.mark.long
def test_what_needs_nobody_is_a_line_in_the_log(tmp_path: Path) -> None:
    write_steady_workspace(tmp_path)
    done("ingest", "-C", tmp_path)
    assert as_cron_runs(tmp_path) == ""
    assert as_cron_runs(tmp_path) == ""
    lines = (tmp_path / "retrain.log").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["promoted", "not due"]
