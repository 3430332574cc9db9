"""A histogram of signed money, its losses told apart."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from serving.report.charts.scale import Scale, Values, bulk_of, round_step
from serving.report.charts.svg import drawing, element, label, line
from serving.report.wording import Money, count_of

_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 300.0, 30.0, 34.0, 48.0, 14.0
_MOST_BINS = 48


@dataclass(frozen=True)
class Bins:
    """Hold counts between edges, shape (n_bins,) and (n_bins + 1,).

    Zero is an edge. Values beyond the edges are counted in the outermost bins: `n_below` and
    `n_above` say how many.
    """

    edges: Values
    counts: NDArray[np.int64]
    n_below: int
    n_above: int


def bins_of(values: Values) -> Bins:
    """Count values, shape (n,), n > 0, in bins of one round width; the outer half percents clip."""
    low, high = bulk_of(values)
    low, high = min(low, 0.0), max(high, 0.0)
    width = round_step(high - low, _MOST_BINS)
    first = np.floor(low / width + 1e-9)
    last = max(np.ceil(high / width - 1e-9), first + 1)
    edges = np.arange(first, last + 1) * width
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    below, above = int((values < edges[0]).sum()), int((values > edges[-1]).sum())
    return Bins(edges, counts.astype(np.int64), below, above)


def draw_histogram(bins: Bins, median: float, money: Money, width: float, name: str) -> Markup:
    """Return the histogram, with zero and the median marked."""
    across = Scale(bins.edges[0], bins.edges[-1], _LEFT, width - _RIGHT)
    up = Scale(0.0, float(bins.counts.max()), _HEIGHT - _BOTTOM, _TOP)
    parts = [*_axes(across, up, money, width), *_bars(bins, across, up, money)]
    parts += [*_median(median, across, money, width)]
    description = (
        f"{count_of(int(bins.counts.sum()), 'customer')} by CLV, from {money.each(bins.edges[0])} "
        f"to {money.each(bins.edges[-1])}; the median is {money.each(median)}."
    )
    return drawing(name, "How CLV is distributed", description, (width, _HEIGHT), parts)


def _axes(across: Scale, up: Scale, money: Money, width: float) -> list[Markup]:
    counts = [tick for tick in up.ticks(4) if tick == round(tick)]
    parts = [line(_LEFT, up(tick), width - _RIGHT, up(tick), "grid") for tick in counts]
    parts += [label(_LEFT - 8, up(tick) + 4, f"{tick:,.0f}", anchor="end") for tick in counts]
    for tick in across.ticks(8 if width > 500 else 4):
        parts.append(label(across(tick), _HEIGHT - 12, money.short(tick), anchor="middle"))
    parts.append(label(0, 12, "Customers", "axis"))
    return parts


def _bars(bins: Bins, across: Scale, up: Scale, money: Money) -> list[Markup]:
    parts = []
    for low, high, count in zip(bins.edges[:-1], bins.edges[1:], bins.counts, strict=True):
        if not count:
            continue
        said = f"{money.each(low)} to {money.each(high)}: {count_of(int(count), 'customer')}"
        left, top = across(low) + 0.5, up(float(count))
        parts.append(
            element(
                "rect",
                element("title", said),
                x=left,
                y=top,
                width=max(across(high) - across(low) - 1, 1.0),
                height=up(0.0) - top,
                class_="loss" if high <= 0 else "gain",
            )
        )
    return [*parts, line(across(0.0), _TOP - 6, across(0.0), up(0.0), "zero")]


def _median(median: float, across: Scale, money: Money, width: float) -> list[Markup]:
    x = across(min(max(median, across.low), across.high))
    is_right = x > width * 0.6
    return [
        line(x, _TOP - 12, x, _HEIGHT - _BOTTOM, "marker"),
        label(
            x + (-6 if is_right else 6),
            _TOP - 6,
            f"median {money.each(median)}",
            "mark",
            "end" if is_right else "start",
        ),
    ]
