"""GET /v1/portfolio: what all customers were worth when they were last scored."""

from functools import lru_cache
from pathlib import Path

import msgspec

from serving.api.current import Current
from serving.api.portfolio_answer import PortfolioAnswer
from serving.api.problems import NOTHING_SCORED, Problem

_SCORE = "run `keepworth score`"


def answer_portfolio(current: Current) -> PortfolioAnswer:
    """Return what the newest `as_of` that was scored adds up to.

    Raises
    ------
    Problem
        404 where nothing was scored yet, or what was written cannot be read.
    """
    found = sorted((current.workspace.folder / "scores").glob("*/portfolio.json"))
    if not found:
        raise Problem(NOTHING_SCORED, f"The portfolio was not valued yet; {_SCORE}.")
    file = found[-1].stat()
    answer = _read(found[-1], (file.st_ino, file.st_mtime_ns, file.st_size))
    serving = current.serving().bundle.version
    if answer.model_version == serving:
        return answer
    said = f"scored with version {answer.model_version}, while version {serving} serves; {_SCORE}"
    return msgspec.structs.replace(answer, warnings=[*answer.warnings, said])


@lru_cache(maxsize=1)
def _read(path: Path, identity: tuple[int, int, int]) -> PortfolioAnswer:  # noqa: ARG001 -- a key
    """Read a file once, as long as it stays the same."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=PortfolioAnswer)
    except (OSError, msgspec.DecodeError) as error:
        said = f"What was written of the portfolio cannot be read; {_SCORE} again."
        raise Problem(NOTHING_SCORED, said) from error
