"""Effects with their intervals, a row each, beside the line where nothing happened."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from serving.report.charts.scale import Scale
from serving.report.charts.svg import drawing, element, label, line

_ROW, _TOP, _BOTTOM, _LEFT, _RIGHT = 46.0, 10.0, 30.0, 14.0, 14.0
_LANE = 11.0
_TWO_LINES_BELOW, _LINE = 500.0, 18.0
"""On a phone the words of an effect stand below its name."""


@dataclass(frozen=True)
class IntervalRow:
    """Hold an effect with its ends, what it is of, and its words; `is_minor` draws it lighter."""

    label: str
    effect: float
    low: float
    high: float
    said: str
    is_minor: bool = False


def draw_intervals(name: str, title: str, rows: Sequence[IntervalRow], width: float) -> Markup:
    """Return a dot and whisker a row, top to bottom, beside the line of no effect.

    Rows whose ends are not known are left out of the picture; their words are in its description.
    """
    drawn = [row for row in rows if math.isfinite(row.low) and math.isfinite(row.high)]
    low = min([0.0, *(row.low for row in drawn)])
    high = max([0.0, *(row.high for row in drawn)])
    margin = 0.04 * ((high - low) or 1.0)
    across = Scale(low - margin, high + margin, _LEFT, width - _RIGHT)
    extra = _LINE if width < _TWO_LINES_BELOW else 0.0
    height = _TOP + len(drawn) * (_ROW + extra) + _BOTTOM
    zero = across(0.0)
    parts = [label(zero, height - 10, "no effect", "axis", _anchor(zero, width))]
    for index, row in enumerate(drawn):
        parts += _row(row, _TOP + index * (_ROW + extra), across, extra)
    description = "; ".join(f"{row.label}: {row.said}" for row in rows)
    return drawing(name, title, description, (width, height), parts)


def _anchor(x: float, width: float) -> str:
    """Keep words below the line from running out of the picture."""
    return "start" if x < width / 8 else "end" if x > width * 7 / 8 else "middle"


def _row(row: IntervalRow, top: float, across: Scale, extra: float) -> Iterator[Markup]:
    middle = top + 30 + extra
    tone = "loss" if row.high < 0 else "gain" if row.low > 0 else "unclear"
    yield label(across.start, top + 14, row.label, "value" if row.is_minor else "group")
    x, anchor = (across.start, "start") if extra else (across.end, "end")
    yield label(x, top + 14 + extra, row.said, "value", anchor)
    # In the row's own lane: a line from top to bottom would strike its words through.
    yield line(across(0.0), middle - _LANE, across(0.0), middle + _LANE, "zero")
    yield line(across(row.low), middle, across(row.high), middle, f"whisker {tone}")
    dot = {"cx": across(row.effect), "cy": middle, "r": 4.0 if row.is_minor else 6.0}
    yield element("circle", element("title", f"{row.label}: {row.said}"), class_=tone, **dot)
