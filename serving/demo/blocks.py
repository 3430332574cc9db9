"""Aligned columns, one element per customer, and the array types the simulator is written in."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Instants = NDArray[np.datetime64]
Column = NDArray[Any]  # a block's columns differ in type
Change = Callable[[Column], Column]


@dataclasses.dataclass(frozen=True)
class Block:
    """Base of frozen dataclasses whose arrays and inner blocks all have shape `(n,)`."""

    def take(self, index: Ints | Bools) -> Self:
        """Return the chosen customers, in the order of `index`; scalars stay as they are."""
        return self.mapped(lambda column: column[index])

    def repeated(self, times: int) -> Self:
        """Return every customer `times` times, copies side by side."""
        return self.mapped(lambda column: np.repeat(column, times))

    def mapped(self, change: Change) -> Self:
        """Return the block with `change` applied to every column, inner blocks included."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return dataclasses.replace(
            self, **{name: _changed(value, change) for name, value in values.items()}
        )

    def followed_by(self, other: Self) -> Self:
        """Return this block's customers and then those of `other`; scalars are this block's."""
        return dataclasses.replace(self, **_joined([self, other]))


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, Block):
        return value.mapped(change)
    return change(value) if isinstance(value, np.ndarray) else value


def _joined(blocks: Sequence[Block]) -> dict[str, Column]:
    names = [item.name for item in dataclasses.fields(blocks[0])]
    columns = {name: [getattr(block, name) for block in blocks] for name in names}
    return {
        name: np.concatenate(parts)
        for name, parts in columns.items()
        if isinstance(parts[0], np.ndarray)
    }
