"""Many customers in a plane, counted in hexagons; few of them as dots."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from serving.report.charts.scale import Scale, Values, bulk_of
from serving.report.charts.svg import drawing, element, label, line
from serving.report.portfolio import Portfolio
from serving.report.wording import Money, count_of, percent

SHADES = 6
_FEWEST_FOR_HEXAGONS = 400
_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 410.0, 26.0, 58.0, 58.0, 14.0


@dataclass(frozen=True)
class Hexagon:
    """Hold the centre of a hexagon, in pixels, and how many points lie in it."""

    x: float
    y: float
    count: int


def is_counted(portfolio: Portfolio) -> bool:
    """Tell whether there are too many customers for a dot each."""
    return portfolio.n_active >= _FEWEST_FOR_HEXAGONS


def draw_risk_and_value(portfolio: Portfolio, width: float, name: str) -> Markup:
    """Return churn across and CLV up; the outermost percent lies on the edge."""
    churn, clv, money = portfolio.churn, portfolio.clv, portfolio.money
    across = Scale(0.0, max(bulk_of(churn)[1], 0.01), _LEFT, width - _RIGHT)
    low, high = bulk_of(clv)
    up = Scale(min(low, 0.0), max(high, 0.0), _HEIGHT - _BOTTOM, _TOP)
    x = across.pixels(np.clip(churn, across.low, across.high))
    y = up.pixels(np.clip(clv, up.low, up.high))
    radius = 9.0 if width > 500 else 6.5
    marks = _shaded(hexagons_of(x, y, radius), radius) if is_counted(portfolio) else _dots(x, y)
    parts = [*_axes(across, up, money, width), *marks]
    parts.append(line(_LEFT, up(0.0), width - _RIGHT, up(0.0), "zero"))
    parts.append(label(width - _RIGHT, _HEIGHT - 4, _across(portfolio), "axis", "end"))
    description = (
        f"{count_of(len(churn), 'customer')}: {_across(portfolio)} from 0% to "
        f"{percent(across.high)} across, CLV from {money.each(up.low)} to {money.each(up.high)} up."
    )
    return drawing(name, "Churn against value", description, (width, _HEIGHT), parts)


def hexagons_of(x: Values, y: Values, radius: float) -> list[Hexagon]:
    """Count points, shape (n,) each, in the pointy-topped hexagons of a lattice.

    The lattice is two rectangular ones, the second shifted by half a step both ways; a point
    belongs to the nearer of its two nearest centres (Carr et al., 1987).
    """
    step_x, step_y = radius * math.sqrt(3), radius * 3
    column, row = np.round(x / step_x), np.round(y / step_y)
    shifted_column, shifted_row = np.floor(x / step_x), np.floor(y / step_y)
    near = (x - column * step_x) ** 2 + (y - row * step_y) ** 2
    far_x, far_y = (shifted_column + 0.5) * step_x, (shifted_row + 0.5) * step_y
    is_shifted = (x - far_x) ** 2 + (y - far_y) ** 2 < near
    centre_x = np.where(is_shifted, far_x, column * step_x)
    centre_y = np.where(is_shifted, far_y, row * step_y)
    centres, counts = np.unique(
        np.round(np.column_stack([centre_x, centre_y]), 3), axis=0, return_counts=True
    )
    return [
        Hexagon(float(cx), float(cy), int(count))
        for (cx, cy), count in zip(centres, counts, strict=True)
    ]


def _shaded(hexagons: list[Hexagon], radius: float) -> Iterator[Markup]:
    most = max(hexagon.count for hexagon in hexagons)
    shades = [
        round((SHADES - 1) * math.log(hexagon.count) / math.log(most)) if most > 1 else 0
        for hexagon in hexagons
    ]
    for shade in range(SHADES):
        outline = "".join(
            _outline(hexagon, radius)
            for hexagon, own in zip(hexagons, shades, strict=True)
            if own == shade
        )
        if outline:
            yield element("path", d=outline, class_=f"shade-{shade}")


def _outline(hexagon: Hexagon, radius: float) -> str:
    half, quarter = radius * math.sqrt(3) / 2, radius / 2
    return (
        f"M{hexagon.x:.1f} {hexagon.y - radius:.1f}"
        f"l{half:.1f} {quarter:.1f}v{radius:.1f}l{-half:.1f} {quarter:.1f}"
        f"l{-half:.1f} {-quarter:.1f}v{-radius:.1f}z"
    )


def _dots(x: Values, y: Values) -> Iterator[Markup]:
    for across, up in zip(x.tolist(), y.tolist(), strict=True):
        yield element("circle", cx=across, cy=up, r=4.0, class_="dot")


def _axes(across: Scale, up: Scale, money: Money, width: float) -> Iterator[Markup]:
    for tick in up.ticks(6):
        yield line(_LEFT, up(tick), width - _RIGHT, up(tick), "grid")
        yield label(_LEFT - 8, up(tick) + 4, money.short(tick), anchor="end")
    for tick in across.ticks(8 if width > 500 else 4):
        yield label(across(tick), _HEIGHT - 24, percent(tick), anchor="middle")
    yield label(0, 12, "CLV", "axis")


def _across(portfolio: Portfolio) -> str:
    within = count_of(portfolio.risk_months, "month")
    if portfolio.is_shop:
        return f"probability of no purchase in {within}"
    return f"probability of leaving within {within}"
