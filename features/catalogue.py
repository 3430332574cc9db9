"""The catalogue: which signals a business has, given its contract, metrics and attributes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from features.expressions import OtherLevel, Profile
from features.kernel import Moment
from features.program import Program, program_of
from features.signal import Contract, Family, Signal
from features.signals import advocacy, billing, plan, purchases, support, tenure, usage

FAMILIES = (tenure, plan, billing, usage, support, advocacy, purchases)
_ATTRIBUTES = Family("attributes")
_MOST_PROGRAMS = 64


@dataclass(frozen=True)
class Vocabulary:
    """Hold the words of one business that signals are made for.

    `metrics` are usage metrics; `levels` maps a declared attribute to its known levels, or to
    None where the attribute is a number; `severities` are labels of support requests,
    `extra_revenue` the labels of payments that count beside MRR; `has_allowances` says whether
    the plans table names any. Stored with the model, so that scoring is the same.
    """

    metrics: tuple[str, ...] = ()
    levels: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    severities: tuple[str, ...] = ()
    extra_revenue: tuple[str, ...] = ()
    has_allowances: bool = False


def catalogue(contract: Contract, vocabulary: Vocabulary) -> tuple[Signal, ...]:
    """Return every signal that applies, in a fixed order, names unique."""
    general = [signal for family in FAMILIES for signal in family.SIGNALS]
    signals = [*general, *_of_words(vocabulary)]
    return tuple(_named_apart(signal for signal in signals if contract in signal.contracts))


def signal_matrix(moment: Moment, signals: Sequence[Signal]) -> NDArray[np.float64]:
    """Return the signals of every customer, shape (n_customers, n_signals); NaN where missing."""
    return moment.matrix(_program(signals))


_programs: dict[int, tuple[Sequence[Signal], Program]] = {}
"""Programs by the identity of their signals: to hash a whole catalogue would cost a score."""


def _program(signals: Sequence[Signal]) -> Program:
    kept, program = _programs.get(id(signals), (None, None))
    if program is None or kept is not signals:
        program = program_of([signal.expression for signal in signals])
        if len(_programs) >= _MOST_PROGRAMS:
            _programs.clear()
        _programs[id(signals)] = (signals, program)
    return program


def _of_words(vocabulary: Vocabulary) -> Iterator[Signal]:
    # The plans table does not say what an allowance is of: with several metrics nobody knows.
    has_allowance = vocabulary.has_allowances and len(vocabulary.metrics) == 1
    for metric in vocabulary.metrics:
        yield from usage.signals_of_metric(metric, has_allowances=has_allowance)
    for severity in vocabulary.severities:
        yield from support.signals_of_severity(severity)
    yield from billing.signals_of_extra_revenue(vocabulary.extra_revenue)
    for name, levels in vocabulary.levels.items():
        yield from _about(name, levels)


def _named_apart(signals: Iterable[Signal]) -> Iterator[Signal]:
    """Give each signal a name in snake case that none before it bears."""
    taken = {"customer_id", "as_of"}
    for signal in signals:
        name = re.sub(r"[\W_]+", "_", signal.name.lower()).strip("_")
        same = (f"{name}_{number}" for number in count(2))
        free = next(free for free in chain([name], same) if free not in taken)
        taken.add(free)
        yield replace(signal, name=free)


def _about(attribute: str, levels: tuple[str, ...] | None) -> Iterator[Signal]:
    if levels is None:
        sentence = f"Attribute {attribute} from the customers table."
        yield _ATTRIBUTES.signal(attribute, sentence, "number", Profile(attribute))
        return
    for level in levels:
        sentence = f"Whether the attribute {attribute} is {level}."
        yield _ATTRIBUTES.signal(
            f"{attribute}_is_{level}", sentence, "flag", Profile(attribute, level)
        )
    sentence = (
        f"Whether the attribute {attribute} is known and none of the levels above; 0 for everybody "
        "while every level has enough customers for a flag of its own."
    )
    yield _ATTRIBUTES.signal(
        f"{attribute}_is_other", sentence, "flag", OtherLevel(attribute, levels)
    )
