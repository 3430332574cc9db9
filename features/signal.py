"""What a signal is: an expression with the words a person needs to read it."""

from dataclasses import dataclass
from typing import Literal

from features.expressions import Expression

Contract = Literal["subscription", "transactional"]
Risk = Literal["rises", "falls", "depends"]
BOTH: tuple[Contract, ...] = ("subscription", "transactional")


@dataclass(frozen=True)
class Signal:
    """Declare a signal: `risk` says whether the risk of leaving rises or falls with its value.

    `group` is the family that explanations add it up under.
    """

    name: str
    sentence: str
    unit: str
    expression: Expression
    group: str
    risk: Risk = "depends"
    window_days: int | None = None
    contracts: tuple[Contract, ...] = BOTH
