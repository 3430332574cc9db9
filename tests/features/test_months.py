from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.instants import datetime_of, instant_of
from features.months import NEVER, month_edges, months_that_fit, shift_months, whole_months_between
from tests.features.histories import at

INSTANTS = st.integers(at("1900-01-01"), at("2100-12-31"))
MONTHS = st.integers(-400, 400)
RULES = st.one_of(st.just("calendar"), st.sampled_from([28, 30, 30.4375]), st.floats(1, 366))


def shifted(text, months, month="calendar"):
    moved = datetime_of(int(shift_months(at(text), months, month)))
    return moved.replace(tzinfo=None).isoformat().removesuffix("T00:00:00")


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2023-01-31", 1, "2023-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2023-12-15", 1, "2024-01-15"),
        ("2024-01-15", -1, "2023-12-15"),
        ("2024-03-31", -1, "2024-02-29"),
        ("1970-01-01", -1, "1969-12-01"),
        ("1900-01-31", 1, "1900-02-28"),
        ("2024-05-31T23:59:59.999999", 1, "2024-06-30T23:59:59.999999"),
    ],
)
def test_a_calendar_month_later_is_the_same_day_or_the_last_the_month_has(start, months, expected):
    assert shifted(start, months) == expected


def test_a_month_of_days_is_so_many_days():
    assert shifted("2024-02-01", 2, 30) == "2024-04-01"
    assert shifted("2024-03-01", -1, 30) == "2024-01-31"
    assert shifted("2024-01-01", 2, 30.5) == "2024-03-02"


@pytest.mark.parametrize("month", ["calendar", 30, 30.5])
def test_never_stays_never(month):
    assert shift_months(NEVER, 12, month) == NEVER
    assert shift_months([NEVER, 0], [-5, 0], month).tolist() == [NEVER, 0]


def test_edges_count_from_as_of_and_so_keep_its_day():
    edges = [datetime_of(int(edge)).date().isoformat() for edge in _edges("2024-01-31")]
    assert edges == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]


def _edges(text):
    return month_edges(at(text), 3, "calendar")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-01-31", "2024-02-28", 0),
        ("2024-01-31", "2024-02-29", 1),
        ("2024-01-15", "2024-03-14T23:59:59.999999", 1),
        ("2024-01-15", "2024-03-15", 2),
        ("2024-03-15", "2024-03-14", -1),
        ("2024-03-31", "2024-02-29", -1),
        ("2024-03-31", "2024-02-28", -2),
    ],
)
def test_a_month_counts_when_it_is_over(start, end, expected):
    assert whole_months_between(at(start), at(end), "calendar") == expected


def test_months_that_fit_are_never_fewer_than_none():
    assert months_that_fit(at("2024-01-01"), at("2024-04-01"), "calendar") == 3
    assert months_that_fit(at("2024-04-01"), at("2024-01-01"), "calendar") == 0


@given(INSTANTS, MONTHS, RULES)
def test_counting_months_undoes_shifting_by_them(instant, months, month):
    assert whole_months_between(instant, shift_months(instant, months, month), month) == months


@given(INSTANTS, INSTANTS, RULES)
def test_the_count_is_the_last_shift_that_does_not_pass_the_end(start, end, month):
    months = int(whole_months_between(start, end, month))
    assert shift_months(start, months, month) <= end < shift_months(start, months + 1, month)


@given(INSTANTS)
def test_instants_survive_the_way_to_datetimes_and_back(instant):
    assert instant_of(datetime_of(instant)) == instant


def test_an_instant_needs_a_time_zone():
    with pytest.raises(ValueError, match=r"2024-01-01T00:00:00 has no time zone; give one"):
        instant_of(datetime(2024, 1, 1))  # noqa: DTZ001 -- the mistake
    assert instant_of(datetime(1970, 1, 2, tzinfo=UTC)) == 86_400_000_000


def test_shifts_broadcast_instants_against_months():
    shifted_both = shift_months(np.array([[0], [at("2024-01-31")]]), [0, 1], "calendar")
    assert shifted_both.tolist() == [
        [0, at("1970-02-01")],
        [at("2024-01-31"), at("2024-02-29")],
    ]
