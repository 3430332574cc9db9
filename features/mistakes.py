"""What is wrong with a configuration or an input, said so that a person can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """Name one wrong setting or value: where it stands, what it is, what was expected."""

    key: str
    value: str
    expected: str

    def __str__(self) -> str:
        """Read as one sentence."""
        return f"{self.key} is {self.value}; {self.expected}"


class MistakenError(ValueError):
    """Carry every mistake found, so that all can be mended in one go."""

    def __init__(self, summary: str, mistakes: Sequence[Mistake]) -> None:
        """Join the summary and the mistakes into one message."""
        self.summary = summary
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join([summary, *(f"  - {mistake}" for mistake in mistakes)]))


class ConfigurationError(MistakenError):
    """Say that `keepworth.toml` or a command's options cannot be used as they are."""


class InputRefusedError(MistakenError):
    """Say that the data was read but cannot be accepted."""


class NotFoundError(MistakenError):
    """Say that something asked for by name does not exist."""
