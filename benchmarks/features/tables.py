"""What the page's sections share: Markdown tables, medians and the words for sizes."""

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.features.measuring import Json


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield a Markdown table."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def middle(reading: Json, measure: str, part: str) -> float:
    """Return the median over the runs of a reading's CPU or wall seconds in one part."""
    return median(run[measure].get(part, 0.0) for run in reading["runs"])


def millions(n_events: int) -> str:
    """Return a number of events as people say it."""
    return f"{n_events / 1e6:g}M" if n_events >= 1_000_000 else f"{n_events:,}"


def peak(reading: Json) -> float:
    """Return the largest peak of a reading's runs, in GB."""
    return max(run["peak_gb"] for run in reading["runs"])
