"""`keepworth` as a person or a program calls it, in this process: exit code, output, errors."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from serving.commands.main import main


@dataclass(frozen=True)
class Told:
    """Hold what a call left: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output; a second one, or any other line, is an error."""
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content


def keepworth(*arguments: object) -> Told:
    """Run a command to its end."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return Told(end.value.code, out.getvalue(), err.getvalue())


def done(*arguments: object) -> dict[str, Any]:
    """Run a command that must succeed, with `--json`; return what it answers."""
    told = keepworth(*arguments, "--json")
    assert told.code == 0, told.err + told.out
    return told.json
