"""How every command answers: a view for people, one JSON object for machines, an exit code."""

import errno
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console

from features.canary import LeakFoundError
from features.ingest.lock import WorkspaceBusyError
from features.mistakes import (
    ConfigurationError,
    InputRefusedError,
    Mistake,
    MistakenError,
    NotFoundError,
)
from features.spark.session import SparkFailedError
from features.workers import WorkerLostError
from serving.api.not_serving import NotServingError

OUR_FAULT, USAGE = 1, 2
_FAULTS_OF_THE_DISK = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
        *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR),
    }
)
_WIDTH_OF_FILES = 132
_EXIT_CODES: dict[type[Exception], tuple[int, str]] = {
    ConfigurationError: (USAGE, "configuration"),
    InputRefusedError: (3, "input-refused"),
    NotFoundError: (4, "not-found"),
    WorkspaceBusyError: (5, "workspace-busy"),
    NotServingError: (OUR_FAULT, "not-serving"),
    LeakFoundError: (OUR_FAULT, "leak-found"),
    WorkerLostError: (OUR_FAULT, "worker-lost"),
    SparkFailedError: (OUR_FAULT, "spark-failed"),
}


@dataclass(frozen=True)
class Answer:
    """Hold what a command found: `content` for `--json`, `show` for people, the exit code."""

    content: dict[str, Any]
    show: Callable[[Console], None]
    code: int = 0


def give(work: Callable[[], Answer], *, as_json: bool) -> int:
    """Do the work, print its answer or what went wrong, and return the exit code."""
    try:
        answer = work()
        content = json.dumps(answer.content, allow_nan=False, default=str) if as_json else ""
    except tuple(_EXIT_CODES) as error:
        code, kind = next(known for cls, known in _EXIT_CODES.items() if isinstance(error, cls))
        tell_failure(kind, error, as_json=as_json)
        return code
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. What was not finished left nothing behind.")
        return 130
    except Exception as error:  # noqa: BLE001 -- the edge: whatever else happens is our fault
        return _tell_unforeseen(error, as_json=as_json)
    if as_json:
        sys.stdout.write(content + "\n")
    else:
        answer.show(_console())
    return answer.code


def _tell_unforeseen(error: Exception, *, as_json: bool) -> int:
    """Tell a fault of the disk or its permissions as a mistake, all others as ours."""
    if isinstance(error, OSError) and error.errno in _FAULTS_OF_THE_DISK:
        mistake = Mistake(
            str(error.filename or "the disk"),
            f"not usable ({error.strerror})",
            "expected a place that you may read and write, with room, and no file for a folder",
        )
        told = ConfigurationError("a file or folder cannot be used", [mistake])
        tell_failure("file-system", told, as_json=as_json)
        return USAGE
    traceback.print_exc(file=sys.stderr)
    tell_failure("internal", error, as_json=as_json)
    return OUR_FAULT


def _console() -> Console:
    """Return a console as wide as the terminal; wide where a file or a pipe reads.

    It prints text as it is: names and reasons of users may hold brackets, and ids colons.
    """
    make = partial(Console, highlight=False, markup=False, emoji=False)
    console = make()
    return console if console.is_terminal else make(width=_WIDTH_OF_FILES)


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
