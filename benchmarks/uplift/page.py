"""The page of results, from readings."""

from collections.abc import Iterator
from typing import Any

_INTRO = """# Uplift and measurement

Written by `python -m benchmarks.uplift` (part of `make benchmark-campaigns`). Effects are of the
treatment on the outcome a customer; every ranking of an experiment is judged on the same doubly
robust effect scores and the same 500 resamples of customers, and no learner has seen the outcome
of a customer it ranks. AUTOC and Qini are 0 for a ranking by chance; `gain at q` is what treating
the first share q brings a customer of all; brackets are 95% intervals.

Where no others published scores, keepworth's learner is chosen by the same outcomes that judge it,
which flatters its row a little; on `streaming` it was chosen on other customers than those that
judge it.
"""
_NAMES = {
    "keepworth": "**keepworth** (the learner it chose)",
    "dr_line": "DR, line",
    "dr_trees": "DR, trees",
    "x": "X, trees",
    "t": "T, trees",
    "tau_xgb": "published tau_xgb",
    "tau_interlogit": "published tau_interlogit",
    "tau_hcf": "published tau_hcf",
}


def results_page(results: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    at = results["at"]
    changed = ", with changes" if at["changed"] else ""
    parts = [_INTRO, f"Measured {at['date']} at {at['commit']}{changed}, seed {results['seed']}.\n"]
    parts += ["\n".join(_experiment(reading)) for reading in results["experiments"]]
    parts.append("\n".join(_coverage(results["coverage"])))
    return "\n".join(parts)


def _experiment(found: dict[str, Any]) -> Iterator[str]:
    yield f"## {found['experiment']}: {found['outcome']}\n"
    yield (
        f"Learned from {found['n_learned']:,} customers, judged on {found['n_judged']:,}; mean "
        f"effect {found['effect']:.4f}. keepworth chose `{found['learner']}`.\n"
    )
    yield "| ranking | AUTOC | Qini | gain at 10% | 20% | 30% | 50% |"
    yield "|---|---|---|---|---|---|---|"
    for row in found["rankings"]:
        figures = [_interval(row[name]) for name in row if name != "ranking"]
        yield f"| {_NAMES.get(row['ranking'], row['ranking'])} | {' | '.join(figures)} |"
    yield "\n| Qini of keepworth less that of | difference |"
    yield "|---|---|"
    for row in found["differences"]:
        yield f"| {_NAMES.get(row['against'], row['against'])} | {_interval(row['qini'])} |"
    yield ""


def _coverage(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "## Intervals: A/A runs, planted effects, CUPED\n"
    yield (
        "Made-up customers with skewed margins, some of whom leave; what they were worth before is "
        f"the covariate. {rows[0]['runs']:,} runs a setting, so that coverage is known to 0.7 "
        "points. `clear`: how often the interval leaves out zero.\n"
    )
    yield "| treated, control | planted | estimator | coverage | mean estimate | width | clear |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        mean = f"{row['mean_estimate']:.3f} (SE {row['standard_error_of_mean']:.3f})"
        yield (
            f"| {row['treated']:,}, {row['control']:,} | {row['planted']:g} | {row['estimator']} | "
            f"{row['coverage']:.1%} | {mean} | {row['mean_width']:.3f} | {row['clear']:.1%} |"
        )
    yield ""


def _interval(found: list[float]) -> str:
    value, low, high = found
    return f"{value:.4f} [{low:.4f}, {high:.4f}]"
