import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from serving.report.charts.bars import Bar, BarGroup, draw_bars
from serving.report.charts.curves import Curve, draw_curves
from serving.report.charts.hexagons import hexagons_of
from serving.report.charts.histogram import bins_of
from serving.report.charts.ratios import RatioRow, draw_ratios
from serving.report.charts.scale import Scale, round_step
from serving.report.charts.svg import element

amounts = st.floats(-1e7, 1e7)


def test_a_scale_maps_its_ends_onto_pixels_and_labels_round_values():
    scale = Scale(-50.0, 150.0, 0.0, 400.0)
    assert (scale(-50.0), scale(0.0), scale(150.0)) == (0.0, 100.0, 400.0)
    assert scale.ticks(4) == [-50.0, 0.0, 50.0, 100.0, 150.0]


def test_a_scale_of_one_value_puts_it_in_the_middle():
    assert Scale(3.0, 3.0, 0.0, 10.0)(3.0) == 5.0


@given(st.floats(1e-6, 1e9), st.integers(1, 50))
def test_a_round_step_divides_a_span_into_no_more_parts_than_asked_for(span, most):
    assert span / round_step(span, most) <= most * (1 + 1e-6)


def test_bins_count_losses_apart_from_gains():
    bins = bins_of(np.array([-10.0, -10.0, 5.0, 20.0, 20.0, 20.0]))
    assert bins.counts[bins.edges[1:] <= 0].sum() == 2
    assert bins.counts[bins.edges[:-1] >= 0].sum() == 4


@given(arrays(np.float64, st.integers(1, 60), elements=amounts))
def test_every_customer_is_in_one_bin_and_zero_is_an_edge(clv):
    bins = bins_of(clv)
    assert bins.counts.sum() == len(clv)
    assert np.isclose(bins.edges, 0.0, atol=1e-9 * np.ptp(bins.edges)).any()
    assert len(bins.counts) <= 50


def test_nothing_is_cut_off_a_few_customers():
    bins = bins_of(np.array([10.0, 20.0, -5.0, 100.0, 1_000.0]))
    assert (bins.n_below, bins.n_above) == (0, 0)
    assert bins.edges[-1] >= 1_000.0


def test_the_outermost_of_many_customers_are_counted_in_the_outer_bins():
    bins = bins_of(np.array([1.0] * 995 + [1e6] * 5))
    assert bins.n_above == 5
    assert bins.counts.sum() == 1_000


def test_points_at_one_place_share_a_hexagon():
    hexagons = hexagons_of(np.array([1.0, 1.5, 200.0]), np.array([1.0, 0.5, 90.0]), radius=9.0)
    assert sorted(hexagon.count for hexagon in hexagons) == [1, 2]


points = arrays(np.float64, 40, elements=st.floats(0, 500))


@given(points, points)
def test_every_point_is_in_one_hexagon_no_farther_than_its_radius(x, y):
    hexagons = hexagons_of(x, y, radius=9.0)
    assert sum(hexagon.count for hexagon in hexagons) == 40
    centres = np.array([(hexagon.x, hexagon.y) for hexagon in hexagons])
    apart = np.hypot(x[:, None] - centres[:, 0], y[:, None] - centres[:, 1])
    assert (apart.min(axis=1) <= 9.0 + 1e-3).all()


def test_curves_name_themselves_and_shade_only_what_was_never_observed():
    curve = Curve("low", "risk-low", [0, 12, 24], [1.0, 0.9, 0.81])
    shaded = draw_curves("panel", "Tier top", [curve], 12)
    observed = draw_curves("panel", "Tier top", [curve], 24)
    assert "low 81%" in shaded
    assert "After month 12: extrapolated" in shaded
    assert "extrapolated" not in observed


def test_labels_of_equal_curves_do_not_cover_each_other():
    curves = [Curve(name, "risk-low", [0, 1], [1.0, 0.0]) for name in ("a", "b", "c")]
    drawn = str(draw_curves("panel", "Tier", curves, None))
    heights = [
        float(text.split('y="')[1].split('"')[0])
        for text in drawn.split("<text")[1:]
        if "end " in text
    ]
    assert np.diff(sorted(heights)).tolist() == pytest.approx([14.0, 14.0])


def test_a_negative_bar_ends_where_a_positive_one_begins():
    group = BarGroup("lever", [Bar(-10.0, "-10", "loss"), Bar(10.0, "+10", "gain")])
    drawn = str(draw_bars("bars", "Levers", "", [group], 400.0))
    first, second = drawn.split("<rect")[1:]
    left, width = (float(first.split(f'{name}="')[1].split('"')[0]) for name in ("x", "width"))
    assert left + width == float(second.split('x="')[1].split('"')[0]) == 200.0


def test_a_ratio_beyond_the_axis_still_says_its_true_value():
    rows = [RatioRow("12 months", {"keepworth": 1.03, "value": 41.0})]
    assert "value: 41.00" in draw_ratios("ratios", "Ratios", rows, ["keepworth", "value"], 700.0)


@given(st.text())
def test_text_in_a_drawing_is_escaped(text):
    drawn = str(element("text", text, title=text))
    assert drawn.count("<") == 2
    assert drawn.count('"') == 2
