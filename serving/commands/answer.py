"""How every command answers: a view for people, one JSON object for machines, an exit code."""

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from features.ingest.lock import WorkspaceBusyError
from features.mistakes import (
    ConfigurationError,
    InputRefusedError,
    MistakenError,
    NotFoundError,
)

OUR_FAULT, USAGE = 1, 2
_WIDTH_OF_FILES = 132
_EXIT_CODES: dict[type[Exception], tuple[int, str]] = {
    ConfigurationError: (USAGE, "configuration"),
    InputRefusedError: (3, "input-refused"),
    NotFoundError: (4, "not-found"),
    WorkspaceBusyError: (5, "workspace-busy"),
}


@dataclass(frozen=True)
class Answer:
    """Hold what a command found: `content` for `--json`, `show` for people."""

    content: dict[str, Any]
    show: Callable[[Console], None]


def give(work: Callable[[], Answer], *, as_json: bool) -> int:
    """Do the work, print its answer or what went wrong, and return the exit code."""
    try:
        answer = work()
    except tuple(_EXIT_CODES) as error:
        code, kind = next(known for cls, known in _EXIT_CODES.items() if isinstance(error, cls))
        tell_failure(kind, error, as_json=as_json)
        return code
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. What was not finished left nothing behind.")
        return 130
    except Exception as error:  # noqa: BLE001 -- the edge: whatever else happens is our fault
        traceback.print_exc(file=sys.stderr)
        tell_failure("internal", error, as_json=as_json)
        return OUR_FAULT
    if as_json:
        sys.stdout.write(json.dumps(answer.content, allow_nan=False, default=str) + "\n")
    else:
        answer.show(_console())
    return 0


def _console() -> Console:
    """Return a console as wide as the terminal; wide where a file or a pipe reads."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_OF_FILES)


def tell_failure(kind: str, error: Exception, *, as_json: bool) -> None:
    """Print a failure: as problem JSON on stdout, or as text on stderr."""
    mistakes = error.mistakes if isinstance(error, MistakenError) else ()
    if not as_json:
        # Plain writing: a message may hold brackets that rich would read as markup.
        sys.stderr.write(f"keepworth: {error}\n")
        return
    problem = {
        "type": f"keepworth:{kind}",
        "title": error.summary if isinstance(error, MistakenError) else str(error),
        "detail": str(error),
        "errors": [
            {"key": mistake.key, "value": mistake.value, "expected": mistake.expected}
            for mistake in mistakes
        ],
    }
    sys.stdout.write(json.dumps(problem) + "\n")
