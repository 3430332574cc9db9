"""The catalogue as a page for people: `docs/signals.md`, written from the signals themselves.

`python -m features.catalogue_page > docs/signals.md` writes it anew.
"""

import sys
from collections.abc import Iterable, Iterator

from features.catalogue import FAMILIES, Vocabulary, catalogue
from features.signal import BOTH, Signal

_RISK = {"rises": "more risk", "falls": "less risk", "depends": "depends"}
_WORDS = Vocabulary(
    metrics=("minutes",),
    levels={"country": ("AT",), "age": None},
    severities=("high",),
    extra_revenue=("roaming",),
    has_allowances=True,
)
_OPENING = """\
# The catalogue of signals

Written from the code by `python -m features.catalogue_page`; a test holds it to the code.

A signal is one number for a customer at an instant `as_of`, made of what was visible strictly
before it. A window of 90 days runs from 90 days before `as_of`, inclusive, up to `as_of`,
exclusive. Moves of the plan happen when they come into force: one that was booked for `as_of`
counts already, as the price of that instant does. Where a signal has no value it is missing (null
in the snapshots). Money is in major units of the configured currency. `keepworth features --list`
prints the catalogue of your workspace; [the glossary](glossary.md) explains the terms.

*A rise means* says what was expected when the signal was written. The models are not held to it.
"""
_WORDS_OPENING = """\
## Your own words

What your data name makes signals of its own: each of the most frequent usage metrics (12 at most)
its level and trend, and where there is only one metric its share of the allowance that the plans
table names; each of the most frequent severities of support (4 at most) its counts; the payments
listed as `extra_revenue` their sums; each level of a declared attribute a flag, a number itself.
The example has the metric `minutes` with an allowance, the severity `high`, the extra revenue
`roaming`, and the attributes `country` and `age`.
"""
_HEADER = (
    "| signal | what it says | unit | window | a rise means | contract |",
    "|---|---|---|---|---|---|",
)


def catalogue_page() -> str:
    """Return `docs/signals.md`: every family of signals as a table, in the catalogue's order."""
    lines = [_OPENING]
    for family in FAMILIES:
        lines += [f"## {_title(family.__name__)}", "", _first_line(family.__doc__), ""]
        lines += [*_HEADER, *_rows(family.SIGNALS), ""]
    lines += [_WORDS_OPENING, *_HEADER, *_rows(_signals_of_words()), ""]
    return "\n".join(lines)


def _title(module: str) -> str:
    return module.rpartition(".")[2].capitalize()


def _first_line(docstring: str | None) -> str:
    return (docstring or "").partition("\n")[0]


def _signals_of_words() -> list[Signal]:
    general = {signal.name for signal in catalogue("subscription", Vocabulary())}
    return [s for s in catalogue("subscription", _WORDS) if s.name not in general]


def _rows(signals: Iterable[Signal]) -> Iterator[str]:
    for signal in signals:
        window = f"{signal.window_days} days" if signal.window_days else ""
        contract = "both" if signal.contracts == BOTH else ", ".join(signal.contracts)
        cells = (
            f"`{signal.name}`",
            signal.sentence,
            signal.unit,
            window,
            _RISK[signal.risk],
            contract,
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(catalogue_page())
