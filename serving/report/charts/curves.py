"""Curves of probability over months ahead, one small panel a group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from serving.report.charts.scale import Scale
from serving.report.charts.svg import drawing, element, label, line, path
from serving.report.wording import percent

_WIDTH, _HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 350.0, 220.0, 14.0, 36.0, 42.0, 100.0
_LABEL_APART = 14.0


@dataclass(frozen=True)
class Curve:
    """Hold a named line: `tone` is its class, `months` and `shares` (in [0, 1]) its points."""

    name: str
    tone: str
    months: Sequence[float]
    shares: Sequence[float]


def draw_curves(
    name: str, title: str, curves: Sequence[Curve], longest_month: int | None
) -> Markup:
    """Return a panel of curves; months after `longest_month`, never observed, are hatched over.

    Each curve bears its name and last value at its end.
    """
    last = max(max(curve.months) for curve in curves)
    across = Scale(0.0, last, _LEFT, _WIDTH - _RIGHT)
    up = Scale(0.0, 1.0, _HEIGHT - _BOTTOM, _TOP)
    parts = [*_axes(across, up), *_beyond(across, up, longest_month)]
    for curve in curves:
        points = zip(curve.months, curve.shares, strict=True)
        drawn = [(across(month), up(share)) for month, share in points]
        parts.append(path(drawn, f"curve {curve.tone}"))
    parts += _end_labels(curves, up)
    ends = "; ".join(f"{curve.name} {percent(curve.shares[-1])}" for curve in curves)
    description = f"By month {last:g}: {ends}."
    return drawing(name, title, description, (_WIDTH, _HEIGHT), parts)


def _axes(across: Scale, up: Scale) -> Iterator[Markup]:
    for share in (0.0, 0.5, 1.0):
        yield line(_LEFT, up(share), _WIDTH - _RIGHT, up(share), "grid")
        yield label(_LEFT - 8, up(share) + 4, f"{share:.0%}", anchor="end")
    step = next(step for step in (1, 3, 6, 12, 24, 60) if across.high / step <= 4 or step == 60)
    for month in range(0, int(across.high) + 1, step):
        yield label(across(month), _HEIGHT - 18, str(month), anchor="middle")
    yield label((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 3, "months ahead", "axis", "middle")


def _beyond(across: Scale, up: Scale, longest_month: int | None) -> Iterator[Markup]:
    if longest_month is None or longest_month >= across.high:
        return
    left = across(longest_month)
    yield element(
        "rect",
        element("title", f"After month {longest_month}: extrapolated, never observed"),
        x=left,
        y=up(1.0),
        width=across(across.high) - left,
        height=up(0.0) - up(1.0),
        class_="beyond",
    )


def _end_labels(curves: Sequence[Curve], up: Scale) -> Iterator[Markup]:
    heights = _apart([up(curve.shares[-1]) for curve in curves], up(0.0))
    for curve, height in zip(curves, heights, strict=True):
        text = f"{curve.name} {_brief(curve.shares[-1])}"
        yield label(_WIDTH - _RIGHT + 7, height + 4, text, f"end {curve.tone}")


def _brief(share: float) -> str:
    return percent(share).replace("under ", "<").replace("over ", ">")


def _apart(heights: Sequence[float], lowest: float) -> list[float]:
    """Push labels down, then the lowest back up, until none covers another."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = list(heights)
    for above, below in pairwise(order):
        placed[below] = max(placed[below], placed[above] + _LABEL_APART)
    limit = lowest
    for index in reversed(order):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - _LABEL_APART
    return placed
