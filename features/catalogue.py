"""The catalogue: which signals a business has, given its contract, metrics and attributes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from features.expressions import Profile
from features.kernel import Moment
from features.signal import Contract, Signal
from features.signals import advocacy, billing, plan, purchases, support, tenure, usage

FAMILIES = (tenure, plan, billing, usage, support, advocacy, purchases)


@dataclass(frozen=True)
class Vocabulary:
    """Hold the words of one business that signals are made for.

    `metrics` are usage metrics; `levels` maps a declared attribute to its known levels, or to
    None where the attribute is a number. Stored with the model, so that scoring is the same.
    """

    metrics: tuple[str, ...] = ()
    levels: dict[str, tuple[str, ...] | None] = field(default_factory=dict)


def catalogue(contract: Contract, vocabulary: Vocabulary) -> tuple[Signal, ...]:
    """Return every signal that applies, in a fixed order, names unique."""
    general = [signal for family in FAMILIES for signal in family.SIGNALS]
    of_metrics = [s for metric in vocabulary.metrics for s in usage.signals_of_metric(metric)]
    of_attributes = [s for name, levels in vocabulary.levels.items() for s in _about(name, levels)]
    signals = [*general, *of_metrics, *of_attributes]
    return tuple(_named_apart(signal for signal in signals if contract in signal.contracts))


def signal_matrix(moment: Moment, signals: Sequence[Signal]) -> NDArray[np.float64]:
    """Return the signals of every customer, shape (n_customers, n_signals); NaN where missing."""
    return moment.matrix([signal.expression for signal in signals])


def _named_apart(signals: Iterable[Signal]) -> Iterator[Signal]:
    """Give each signal a name in snake case that none before it bears."""
    taken: set[str] = set()
    for signal in signals:
        name = re.sub(r"[\W_]+", "_", signal.name.lower()).strip("_")
        same = (f"{name}_{number}" for number in count(2))
        free = next(free for free in chain([name], same) if free not in taken)
        taken.add(free)
        yield replace(signal, name=free)


def _about(attribute: str, levels: tuple[str, ...] | None) -> list[Signal]:
    if levels is None:
        sentence = f"Attribute {attribute} from the customers table."
        return [Signal(attribute, sentence, "number", Profile(attribute), "attributes")]
    return [
        Signal(
            f"{attribute}_is_{level}",
            f"Whether the attribute {attribute} is {level}.",
            "flag",
            Profile(attribute, level),
            "attributes",
        )
        for level in levels
    ]
