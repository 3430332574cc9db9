"""Effects are drawn where they lie, told in words, and fit a phone."""

import math
import re

import pytest

from serving.report.charts.intervals import IntervalRow, draw_intervals

ROWS = [
    IntervalRow("gained", 4.0, 2.0, 6.0, "+4"),
    IntervalRow("lost", -3.0, -4.0, -2.0, "-3", is_minor=True),
    IntervalRow("unsure", 1.0, -1.0, 3.0, "+1"),
]


def numbers(drawn, tag, name):
    return [float(found) for found in re.findall(rf'<{tag} [^>]*{name}="([-\d.]+)"', drawn)]


@pytest.mark.parametrize("width", [350.0, 760.0])
def test_dots_lie_in_order_of_effect_inside_the_picture(width):
    drawn = str(draw_intervals("a", "Effects", ROWS, width))
    gained, lost, unsure = numbers(drawn, "circle", "cx")

    assert 0 < lost < unsure < gained < width
    assert re.findall(r'<circle [^>]*class="(\w+)"', drawn) == ["gain", "loss", "unclear"]
    height = float(re.search(r'height="([\d.]+)"', drawn)[1])
    assert max(numbers(drawn, "circle", "cy")) < height


@pytest.mark.parametrize("width", [350.0, 760.0])
def test_the_line_of_no_effect_strikes_no_words_through(width):
    drawn = str(draw_intervals("a", "Effects", ROWS, width))
    words = numbers(drawn, "text", "y")
    lanes = re.findall(r'<line [^>]*y1="([\d.]+)"[^>]*y2="([\d.]+)" class="zero"', drawn)

    assert len(lanes) == len(ROWS)
    # Letters of 13 pixels stand on their base line, and 3 of them reach below.
    assert not [
        base
        for top, end in lanes
        for base in words
        if float(top) < base + 3 and base - 10 < float(end)
    ]


def test_an_effect_without_interval_is_told_and_not_drawn():
    row = IntervalRow("unknown", 1.0, math.nan, math.nan, "no interval")
    drawn = str(draw_intervals("a", "Effects", [row], 760.0))

    assert "<circle" not in drawn
    assert "unknown: no interval" in drawn
