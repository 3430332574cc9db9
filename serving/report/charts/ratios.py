"""Predicted over actual, a row a backtest and a mark a model, beside the line where they agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from serving.report.charts.scale import Scale
from serving.report.charts.svg import drawing, element, label, line

_ROW, _LABEL, _TOP, _BOTTOM, _LEFT, _RIGHT = 24.0, 18.0, 24.0, 26.0, 12.0, 30.0
_LOWEST, _HIGHEST = 0.0, 3.0


@dataclass(frozen=True)
class RatioRow:
    """Hold the ratios of one backtest, by model in the order of the legend."""

    label: str
    ratios: Mapping[str, float]


def draw_ratios(
    name: str, title: str, rows: Sequence[RatioRow], models: Sequence[str], width: float
) -> Markup:
    """Return a dot plot; ratios are held within 0 to 3, and their words say the true one."""
    ratios = [ratio for row in rows for ratio in row.ratios.values()]
    low = max(min([0.8, *(ratio - 0.05 for ratio in ratios)]), _LOWEST)
    high = min(max([1.2, *(ratio + 0.05 for ratio in ratios)]), _HIGHEST)
    across = Scale(low, high, _LEFT, width - _RIGHT)
    height = _TOP + len(rows) * (_ROW + _LABEL) + _BOTTOM
    parts = [*_axis(across, height)]
    for index, row in enumerate(rows):
        parts += _row(row, _TOP + index * (_ROW + _LABEL), across, models)
    description = "; ".join(_said(row) for row in rows)
    return drawing(name, title, description, (width, height), parts)


def mark(index: int, x: float, y: float, said: str) -> Markup:
    """Return the mark of the model at an index: shape and colour both tell it apart."""
    shapes = (
        f"M{x - 6:.1f} {y:.1f}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
        f"M{x - 5:.1f} {y - 5:.1f}h10v10h-10z",
        f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z",
        f"M{x:.1f} {y - 6:.1f}l6.5 11h-13z",
        f"M{x:.1f} {y + 6:.1f}l6.5 -11h-13z",
    )
    shape = shapes[min(index, len(shapes) - 1)]
    return element("path", element("title", said), d=shape, class_=f"model-{min(index, 4)}")


def _axis(across: Scale, height: float) -> Iterator[Markup]:
    for tick in across.ticks(5):
        x = across(tick)
        yield line(x, _TOP - 6, x, height - _BOTTOM, "zero" if tick == 1 else "grid")
        yield label(x, height - 8, f"{tick:.4g}", anchor="middle")
    if 1 not in across.ticks(5):
        yield line(across(1.0), _TOP - 6, across(1.0), height - _BOTTOM, "zero")
    yield label(across(1.0), 12, "as it came", "axis", "middle")


def _row(row: RatioRow, top: float, across: Scale, models: Sequence[str]) -> Iterator[Markup]:
    middle = top + _LABEL + _ROW / 2
    yield label(_LEFT, top + 13, row.label, "group")
    yield line(_LEFT, middle, across.end, middle, "grid")
    for index in reversed(range(len(models))):
        model = models[index]
        if model in row.ratios:
            ratio = row.ratios[model]
            held = min(max(ratio, across.low), across.high)
            yield mark(index, across(held), middle, f"{model}: {ratio:.2f}")


def _said(row: RatioRow) -> str:
    ratios = ", ".join(f"{model} {ratio:.2f}" for model, ratio in row.ratios.items())
    return f"{row.label}: {ratios}"
