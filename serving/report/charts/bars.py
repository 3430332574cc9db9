"""Horizontal bars of signed amounts, grouped under labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from serving.report.charts.scale import Scale
from serving.report.charts.svg import drawing, element, label, line

_BAR, _LABEL, _GAP, _TEXT = 16.0, 22.0, 12.0, 92.0


@dataclass(frozen=True)
class Bar:
    """Hold an amount, the words at the bar's end, and the class that colours it."""

    amount: float
    said: str
    tone: str


@dataclass(frozen=True)
class BarGroup:
    """Hold the bars under one label."""

    label: str
    bars: Sequence[Bar]


def draw_bars(
    name: str, title: str, description: str, groups: Sequence[BarGroup], width: float
) -> Markup:
    """Return the groups from top to bottom; bars left of the zero line are negative."""
    amounts = [bar.amount for group in groups for bar in group.bars]
    low, high = min(0.0, *amounts), max(0.0, *amounts)
    across = Scale(low, high or 1.0, _TEXT if low < 0 else 2.0, width - _TEXT)
    parts: list[Markup] = []
    top = 0.0
    for group in groups:
        parts += _group(group, top, across)
        top += _LABEL + len(group.bars) * (_BAR + 3) + _GAP
    return drawing(name, title, description, (width, top - _GAP + 2), parts)


def _group(group: BarGroup, top: float, across: Scale) -> Iterator[Markup]:
    yield label(0, top + 14, group.label, "group")
    for index, bar in enumerate(group.bars):
        y = top + _LABEL + index * (_BAR + 3)
        ends = sorted((across(0.0), across(bar.amount)))
        yield element(
            "rect", x=ends[0], y=y, width=max(ends[1] - ends[0], 1.0), height=_BAR, class_=bar.tone
        )
        is_left = bar.amount < 0
        x, anchor = (ends[0] - 6, "end") if is_left else (ends[1] + 6, "start")
        yield label(x, y + 12.5, bar.said, "value", anchor)
    bottom = top + _LABEL + len(group.bars) * (_BAR + 3)
    yield line(across(0.0), top + _LABEL - 3, across(0.0), bottom, "zero")
