"""A gate: one condition that must hold before training, or before a promotion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Gate:
    """Say whether a condition holds, what was found, and what to do where it does not.

    `figures` are what the finding rests on, as JSON may hold them.
    """

    name: str
    passed: bool
    found: str
    way_out: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


def judged(name: str, found: str, way_out: str, *, passed: bool, **figures: Any) -> Gate:
    """Return a gate whose way out is told only where it is closed."""
    return Gate(name, passed, found, "" if passed else way_out, figures)


def closed(gates: Sequence[Gate]) -> list[Gate]:
    """Return the gates that do not let through."""
    return [gate for gate in gates if not gate.passed]


def as_rows(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    """Return gates as JSON gives them."""
    return [
        {
            "gate": gate.name,
            "passed": gate.passed,
            "found": gate.found,
            "way_out": gate.way_out,
            "figures": dict(gate.figures),
        }
        for gate in gates
    ]
