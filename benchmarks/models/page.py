"""The page of results: every reading as a table, with what was to be reached beside what was."""

from collections.abc import Iterator

from benchmarks.models.data_sets import DATA_SETS
from benchmarks.models.judging import Json
from benchmarks.models.other_pages import noise_section, scale_section, truth_section
from benchmarks.models.peers_page import data_set_section, worse_section

OPENING = """\
# Benchmark of the models

Written by `make benchmark-models`, part by part; each part names the date and the commit at which
it was measured. Everything runs through the product's commands: `init`, `ingest`, `backtest`,
`train`, `score`, and what answers `/v1/what-if`.

At a cutoff the models know what was known then. **Reported** cutoffs are those of the prototype
that was to be matched; everybody has looked at them. **Fresh** cutoffs were named in
`data_sets.py` before anything was run on them. Their windows overlap with those of others of the
same customers, so that they are no independent repetition.

Differences are paired, customer by customer: our mean loss less the other model's, as a
percentage of the latter's; below zero we are better. The interval holds 95% of 1,000 bootstrap
samples of customers (seed 1), all rows of a customer drawn together. **Bold** where it excludes
zero. The losses: log-loss of P(gone), squared error of the mean and absolute error of the median
of undiscounted margin.
"""
_SECTIONS = {"noise": noise_section, "truth": truth_section, "scale": scale_section}


def results_page(results: Json) -> str:
    """Return the page."""
    return "\n".join(_lines(results)).rstrip() + "\n"


def _lines(results: Json) -> Iterator[str]:
    yield OPENING
    found = {name: results[name] for name in DATA_SETS if name in results}
    yield from worse_section(found)
    for name, part in found.items():
        yield from data_set_section(DATA_SETS[name], part)
        yield from _measured(part)
    for name, section in _SECTIONS.items():
        if name in results:
            yield from section(results[name]["readings"])
            yield from _measured(results[name])
    missing = [name for name in (*DATA_SETS, *_SECTIONS) if name not in results]
    if missing:
        yield f"Not measured yet: {', '.join(missing)}."


def _measured(part: Json) -> Iterator[str]:
    machine, at = part["machine"], part["at"]
    changed = ", with changes that were not committed" if at["changed"] else ""
    yield ""
    yield (
        f"*Measured {at['date']} at commit {at['commit']}{changed}, on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, shared with other work.*"
    )
    yield ""
