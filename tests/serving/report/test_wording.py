import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from serving.report.wording import Money, count_of, listed, listed_parts, number, percent

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (12_340.4, "€12,340"),
        (-12_340.0, f"{MINUS}€12,340"),
        (99_999.0, "€99,999"),
        (1_234_567.0, "€1.23M"),
        (-0.2, "€0"),
        (math.nan, "\N{EN DASH}"),
    ],
)
def test_a_sum_is_said_to_the_unit_and_large_ones_to_three_digits(amount, said):
    assert Money("EUR").total(amount) == said


@pytest.mark.parametrize(
    ("amount", "said"), [(12.5, "€12.50"), (-0.001, "€0.00"), (100.4, "€100"), (1_240.4, "€1,240")]
)
def test_one_customers_value_is_said_to_the_cent_below_a_hundred(amount, said):
    assert Money("EUR").each(amount).replace(MINUS, "") == said


def test_a_currency_without_cents_has_none():
    assert Money("JPY").each(12.4) == "¥12"


def test_an_amount_just_below_a_million_is_not_a_thousand_thousands():
    assert Money("EUR").short(999_999) == "€1M"


def test_a_change_shows_its_sign_unless_it_rounds_to_nothing():
    money = Money("EUR")
    assert [money.change(amount) for amount in (1_200, -1_200, 0.3, 0.0)] == [
        "+€1,200",
        f"{MINUS}€1,200",
        "€0",
        "€0",
    ]


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.058, "5.8%"),
        (0.314, "31%"),
        (0.0, "0%"),
        (1.0, "100%"),
        (-0.021, f"{MINUS}2.1%"),
        (33.89, "3,389%"),
    ],
)
def test_a_share_has_a_decimal_only_where_it_is_small(share, said):
    assert percent(share) == said


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_share_strictly_inside_is_never_said_to_be_none_or_all(share):
    assert percent(share) not in ("0%", "100%")


def test_a_count_of_one_is_singular():
    assert [count_of(n, "customer") for n in (0, 1, 2_000)] == [
        "0 customers",
        "1 customer",
        "2,000 customers",
    ]


def test_a_number_keeps_the_decimals_asked_for():
    assert (number(1_234.5, 2), number(0.81, 3), number(math.nan)) == (
        "1,234.50",
        "0.810",
        "\N{EN DASH}",
    )


def test_words_are_joined_as_in_a_sentence():
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_joined_markup_escapes_what_is_not_markup():
    assert listed_parts([Markup("<b>a</b>"), Markup("{}").format("<")]) == "<b>a</b> and &lt;"
