"""Expressions put in an order of evaluation: equal parts once, parts of a sort together."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.expressions import (
    ActiveDays,
    Arithmetic,
    Constant,
    Count,
    CountSince,
    Deviation,
    DistinctLabels,
    Expression,
    Largest,
    Latest,
    Mean,
    OfHappenings,
    Season,
    Total,
)
from features.plan_moves import is_move

Numbers = NDArray[np.int64]
_OF_VALUES = (Mean, Latest, Largest, Deviation)
_Windowed = Count | Total | ActiveDays | DistinctLabels


@dataclass(frozen=True)
class Listing:
    """Name a list of rows: those of a happening, or only those of them that have a value."""

    happening: str
    with_value: bool = False


@dataclass(frozen=True)
class Step:
    """Combine rows `left` and `right` of the table of values into the rows `into`."""

    operator: str
    into: Numbers
    left: Numbers
    right: Numbers


@dataclass(frozen=True)
class Leaves:
    """Hold the expressions of one type: their places, and the listing and window of each.

    `window` is a place in the program's windows, and their number where there is no limit.
    `listings` are the different ones, `number` the place of each expression's among them, and
    `widest` the widest window that is asked of each.
    """

    places: Numbers
    expressions: tuple[OfHappenings, ...]
    listing: Numbers
    window: Numbers
    listings: Numbers
    number: Numbers
    widest: Numbers


@dataclass(frozen=True)
class Program:
    """Hold what it takes to evaluate a sequence of expressions.

    `windows` are the days of all windows, rising; `listings` begins with the `n_totalled` whose
    values are added up; `outputs` are the places of the expressions asked for.
    """

    n_places: int
    outputs: Numbers
    windows: tuple[int, ...]
    listings: tuple[Listing, ...]
    n_totalled: int
    leaves_of_events: dict[type[OfHappenings], Leaves]
    leaves_of_customers: tuple[tuple[int, Expression], ...]
    constants: tuple[tuple[int, float], ...]
    seasons: tuple[tuple[int, Season], ...]
    steps: tuple[Step, ...]
    listing_numbers: dict[Listing, int] = field(repr=False)
    asks_moves: bool


def program_of(expressions: Sequence[Expression]) -> Program:
    """Return the program that evaluates these expressions."""
    place: dict[Expression, int] = {}
    for expression in expressions:
        for part in _parts(expression):
            place.setdefault(part, len(place))
    lengths = {part.days for part in place if isinstance(part, _Windowed)}
    windows = tuple(sorted(days for days in lengths if days is not None))
    totalled = dict.fromkeys(_listing(part) for part in place if isinstance(part, Total | Mean))
    others = dict.fromkeys(listing for part in place for listing in _listings(part))
    listings = tuple(dict.fromkeys([*totalled, *others]))
    numbers = {listing: number for number, listing in enumerate(listings)}
    return Program(
        n_places=len(place),
        outputs=np.array([place[expression] for expression in expressions], dtype=np.int64),
        windows=windows,
        listings=listings,
        n_totalled=len(totalled),
        leaves_of_events=_leaves(place, numbers, windows),
        leaves_of_customers=tuple(
            (number, part)
            for part, number in place.items()
            if not isinstance(part, OfHappenings | Arithmetic | Constant | Season)
        ),
        constants=tuple(
            (number, part.value) for part, number in place.items() if isinstance(part, Constant)
        ),
        seasons=tuple((number, part) for part, number in place.items() if isinstance(part, Season)),
        steps=tuple(_steps(place)),
        listing_numbers=numbers,
        asks_moves=any(is_move(listing.happening) for listing in listings),
    )


def _parts(expression: Expression) -> Iterator[Expression]:
    """Yield an expression after everything it is made of."""
    if isinstance(expression, Arithmetic):
        yield from _parts(expression.left)
        yield from _parts(expression.right)
    yield expression


def _listing(part: OfHappenings) -> Listing:
    return Listing(part.happening, isinstance(part, _OF_VALUES))


def _listings(part: Expression) -> Iterator[Listing]:
    if isinstance(part, OfHappenings):
        yield _listing(part)
    if isinstance(part, CountSince):
        yield Listing(part.since)


def _leaves(
    place: dict[Expression, int], numbers: dict[Listing, int], windows: tuple[int, ...]
) -> dict[type[OfHappenings], Leaves]:
    by_type: defaultdict[type[OfHappenings], list[OfHappenings]] = defaultdict(list)
    for part in place:
        if isinstance(part, OfHappenings):
            by_type[type(part)].append(part)
    return {
        type_: _leaves_of(
            tuple(parts),
            np.array([place[part] for part in parts]),
            np.array([numbers[_listing(part)] for part in parts]),
            np.array([_window(part, windows) for part in parts]),
        )
        for type_, parts in by_type.items()
    }


def _leaves_of(
    parts: tuple[OfHappenings, ...], places: Numbers, listing: Numbers, window: Numbers
) -> Leaves:
    listings, number = np.unique(listing, return_inverse=True)
    widest = np.zeros(len(listings), np.int64)
    np.maximum.at(widest, number, window)
    return Leaves(places, parts, listing, window, listings, number, widest)


def _window(part: OfHappenings, windows: tuple[int, ...]) -> int:
    if isinstance(part, _Windowed) and part.days is not None:
        return windows.index(part.days)
    return len(windows)


def _steps(place: dict[Expression, int]) -> Iterator[Step]:
    """Yield the arithmetic in rounds: all of one operator whose operands are there."""
    depth: dict[Expression, int] = {}
    rounds: defaultdict[tuple[int, str], list[Arithmetic]] = defaultdict(list)
    for part in place:
        depth[part] = 0
        if isinstance(part, Arithmetic):
            depth[part] = 1 + max(depth[part.left], depth[part.right])
            rounds[depth[part], part.operator].append(part)
    for (_, operator), parts in sorted(rounds.items()):
        yield Step(
            operator,
            np.array([place[part] for part in parts]),
            np.array([place[part.left] for part in parts]),
            np.array([place[part.right] for part in parts]),
        )
