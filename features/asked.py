"""What is asked of every customer at one instant: signals, and what they are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from features.catalogue import catalogue
from features.instants import instant_of
from features.log import Log
from features.population import references_of
from features.references import References
from features.rules import CustomerRules
from features.signal import Signal
from features.vocabulary import vocabulary_of
from features.workers import worked


@dataclass(frozen=True)
class Inputs:
    """Hold what features are computed from: the log, its rules, the attributes declared."""

    log: Log
    rules: CustomerRules
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """Hold the signals of one instant and the population's references then."""

    as_of: datetime
    signals: tuple[Signal, ...]
    references: References


def asked_at(inputs: Inputs, as_ofs: Sequence[datetime], workers: int = 1) -> tuple[Asked, ...]:
    """Return what a business is asked as of each instant, in the words it had by then."""
    log, rules = inputs.log, inputs.rules
    references = references_of(log, rules, [instant_of(as_of) for as_of in as_ofs], workers)
    work = partial(vocabulary_of, log, rules, inputs.attributes)
    words = worked(work, as_ofs, min(workers, len(as_ofs)))
    return tuple(
        Asked(as_of, catalogue(rules.contract, vocabulary), then)
        for as_of, vocabulary, then in zip(as_ofs, words, references, strict=True)
    )
