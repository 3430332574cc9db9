"""What is asked of every customer at one instant: signals, and what they are compared with."""

from dataclasses import dataclass
from datetime import datetime

from features.catalogue import catalogue
from features.instants import instant_of
from features.log import Log
from features.population import references_of
from features.references import References
from features.rules import CustomerRules
from features.signal import Signal
from features.vocabulary import vocabulary_of


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


def asked_at(inputs: Inputs, as_of: datetime) -> Asked:
    """Return what a business is asked as of an instant, in the words it had by then."""
    vocabulary = vocabulary_of(inputs.log, inputs.rules, inputs.attributes, as_of)
    (references,) = references_of(inputs.log, inputs.rules, [instant_of(as_of)])
    return Asked(as_of, catalogue(inputs.rules.contract, vocabulary), references)
