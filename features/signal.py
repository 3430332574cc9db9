"""What a signal is: an expression with the words a person needs to read it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from features.expressions import Expression

Contract = Literal["subscription", "transactional"]
Risk = Literal["rises", "falls", "depends"]
BOTH: tuple[Contract, ...] = ("subscription", "transactional")
SUBSCRIPTION: tuple[Contract, ...] = ("subscription",)
TRANSACTIONAL: tuple[Contract, ...] = ("transactional",)


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


@dataclass(frozen=True)
class Family:
    """Make signals that share a group and the contracts they apply to."""

    group: str
    contracts: tuple[Contract, ...] = BOTH

    def signal(  # noqa: PLR0913 -- a declaration, written once a signal
        self,
        name: str,
        sentence: str,
        unit: str,
        expression: Expression,
        risk: Risk = "depends",
        *,
        days: int | None = None,
    ) -> Signal:
        """Return one signal; `days` is the window that its name ends in."""
        return Signal(name, sentence, unit, expression, self.group, risk, days, self.contracts)

    def windows(  # noqa: PLR0913, PLR0917 -- likewise
        self,
        name: str,
        what: str,
        unit: str,
        over: Callable[[int], Expression],
        days: Sequence[int],
        risk: Risk = "depends",
    ) -> Iterator[Signal]:
        """Yield one signal a window: `what` happened "in the last n days"."""
        for window in days:
            sentence = f"{what} in the last {window} days."
            yield self.signal(f"{name}_{window}d", sentence, unit, over(window), risk, days=window)
