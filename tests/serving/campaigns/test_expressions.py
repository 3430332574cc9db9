"""Conditions say what they mean, unknown is false, and nothing but a condition is ever run."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from features.mistakes import ConfigurationError
from serving.campaigns.expressions import Conditions, mistakes_of, parse

TYPES = {"churn_3m": pa.float64(), "segment": pa.string(), "payback_month": pa.int32()}
TABLE = pa.table(
    {
        "churn_3m": [0.1, 0.3, None],
        "segment": ["top/low", "top/high", None],
        "payback_month": pa.array([1, 2, 3], pa.int32()),
    }
)


NUMBERS = pa.table(
    {
        "clv": [5.0, 0.0, -5.0, 1e308, None],
        "support_90d": [0.0, 0.0, 2.0, 1e-300, 0.0],
        "payback_month": pa.array([2**31 - 1, 0, -(2**31), None, 1], pa.int32()),
    }
)


def hold(table, *texts):
    return Conditions({text: parse(text) for text in texts}).hold(table)


@pytest.mark.parametrize(("text", "expected"), [
    ("churn_3m > 0.2", [False, True, False]),
    ("NOT churn_3m > 0.2", [True, False, False]),
    ("churn_3m IS NULL OR segment LIKE 'top/l%'", [True, False, True]),
    ("coalesce(churn_3m, 1) BETWEEN 0.2 AND 1 -- a remark", [False, True, True]),
    ("segment IN ('top/low', 'it''s') AND payback_month + 1 = 2", [True, False, False]),
    ("CASE WHEN payback_month = 3 THEN true ELSE segment = 'top/low' END", [True, False, True]),
    ("segment = 'x' IS NOT TRUE", [True, True, True]),
    ("true", [True, True, True]),
])  # fmt: skip
def test_a_condition_means_what_sql_means(text, expected):
    expression = parse(text)
    assert mistakes_of(expression, TYPES) == []
    assert hold(TABLE, text)[:, 0].tolist() == expected


def test_several_conditions_are_answered_at_once():
    found = hold(TABLE, "churn_3m > 0.2", "payback_month = 1")
    assert np.array_equal(found, [[False, True], [True, False], [False, False]])


@pytest.mark.parametrize(("text", "expected"), [
    ("clv / support_90d > 100", [False, False, False, True, False]),
    ("NOT clv / support_90d > 100", [False, False, True, False, False]),
    ("clv // support_90d < 0", [False, False, True, False, False]),
    ("clv % support_90d = -1", [False, False, True, False, False]),
    ("payback_month // 0 > 0", [False] * 5),
    ("payback_month % 0 = 0", [False] * 5),
    ("payback_month * 100000000 > 0", [True, False, False, False, True]),
    ("abs(payback_month) > 2", [True, False, True, False, False]),
    ("-payback_month > 2", [False, False, True, False, False]),
    ("coalesce(clv / support_90d, 0) = 0", [True, True, False, False, True]),
])  # fmt: skip
def test_what_is_divided_by_zero_is_unknown_and_no_number_is_too_large(text, expected):
    types = {name: NUMBERS.schema.field(name).type for name in NUMBERS.column_names}
    assert mistakes_of(parse(text), types) == []
    assert hold(NUMBERS, text)[:, 0].tolist() == expected


def test_a_condition_that_fails_on_what_columns_hold_is_named():
    # "text", on which conditions are checked, is four letters long.
    text = "length(segment) * 2305843009213693951 % 7 = 1"
    assert mistakes_of(parse(text), TYPES) == []
    conditions = Conditions({"a.audience": parse("true"), "b.eligible": parse(text)})
    with pytest.raises(ConfigurationError, match=r"b\.eligible is .*Overflow") as told:
        conditions.hold(TABLE)
    assert [each.key for each in told.value.mistakes] == ["b.eligible"]


def test_threads_ask_one_database_about_tables_of_their_own():
    conditions = Conditions({"audience": parse("churn_3m > 0.5")})
    tables = [pa.table({"churn_3m": [0.0, 1.0, number % 2]}) for number in range(64)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(conditions.hold, tables))
    assert [each[:, 0].tolist() for each in found] == [
        [False, True, number % 2 == 1] for number in range(64)
    ]


@pytest.mark.parametrize(("text", "named"), [
    ("churn_3m > (SELECT 1)", "no subquery"),
    ("EXISTS (SELECT 1)", "no subquery"),
    ("read_csv('/etc/passwd') = 1", "no function read_csv"),
    ("getenv('HOME') = 'x' AND random() < 1", "no function getenv, no function random"),
    ("sum(churn_3m) OVER () > 1", "no window"),
    ("max(churn_3m) > 1", "no function max"),
    ("customers.churn_3m > 1", "no table in customers.churn_3m"),
    ("CAST(churn_3m AS VARCHAR) = 'x'", "no cast, no type"),
    ("segment SIMILAR TO '(a+)+'", "no function regexp_full_match"),
    ("churn_3m > $1", "no parameter"),
    ("COLUMNS('.*') > 1", "no star"),
    ("1), (true", "one SQL condition"),
    ("true) FROM read_csv('/etc/passwd') WHERE (true", "one SQL condition"),
    ("true); SELECT (true", "one SQL condition"),
    ("true); DROP TABLE customers; SELECT (true", "Only SELECT"),
    ("churn_3m > 1; DROP TABLE customers", "before '; DROP TABLE custome'"),
    ("churn_3m >", "where it ends"),
    ("1 < churn_3m < 2", "Chained comparisons"),
    ("   ", "such as churn_3m > 0.2"),
])  # fmt: skip
def test_what_is_no_plain_condition_is_refused_and_named(text, named):
    with pytest.raises(ValueError, match="expected") as told:
        parse(text)
    assert named in str(told.value)


@pytest.mark.parametrize(("text", "told"), [
    ("churn3m > 0.1", "churn3m is no signal and no score; did you mean churn_3m?"),
    ("churn_3m + 1", "expected a condition that is true or false, and it yields double"),
    ("segment > 3", "Cannot compare values of type VARCHAR"),
    ("churn_3m > 100 AND churn_3m > 'abc'", "Could not convert string 'abc'"),
    ("abs(segment) > 1", "abs(VARCHAR)"),
])  # fmt: skip
def test_what_does_not_fit_the_columns_is_told_before_anything_runs(text, told):
    [mistake] = mistakes_of(parse(text), TYPES)
    assert told in mistake


def test_every_unknown_column_is_named():
    found = mistakes_of(parse("churn3m > 0.1 AND segmnt = 'x'"), TYPES)
    assert [each.partition(" ")[0] for each in found] == ["churn3m", "segmnt"]
