"""Conditions say what they mean, unknown is false, and nothing but a condition is ever run."""

import numpy as np
import pyarrow as pa
import pytest

from serving.campaigns.expressions import hold, mistakes_of, parse

TYPES = {"churn_3m": pa.float64(), "segment": pa.string(), "payback_month": pa.int32()}
TABLE = pa.table(
    {
        "churn_3m": [0.1, 0.3, None],
        "segment": ["top/low", "top/high", None],
        "payback_month": pa.array([1, 2, 3], pa.int32()),
    }
)


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
    assert hold([expression], TABLE)[:, 0].tolist() == expected


def test_several_conditions_are_answered_at_once():
    found = hold([parse("churn_3m > 0.2"), parse("payback_month = 1")], TABLE)
    assert np.array_equal(found, [[False, True], [True, False], [False, False]])


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
