"""SQL macros of the form: month arithmetic, and comparisons where nothing is known."""

from features.rules import CustomerRules

DAY = 86_400_000_000
MINUTE = DAY // (24 * 60)

_SHARED = """
CREATE OR REPLACE TEMP MACRO whole(sum_of_integers) AS CAST(sum_of_integers AS BIGINT)::DOUBLE;
CREATE OR REPLACE TEMP MACRO smaller(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE least(a, b) END;
CREATE OR REPLACE TEMP MACRO larger(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE greatest(a, b) END;
CREATE OR REPLACE TEMP MACRO day_before(as_of, instant) AS
    ceil((as_of - instant)::HUGEINT / 86400000000.0)::BIGINT;
"""

# DuckDB clips a sum of months to the last day of the month, as the contract wants it.
_CALENDAR = """
CREATE OR REPLACE TEMP MACRO later_by(instant, months) AS
    epoch_us(make_timestamp(instant) + to_months(CAST(months AS INTEGER)));
CREATE OR REPLACE TEMP MACRO month_numbers_between(start, finish) AS
    date_diff('month', make_timestamp(start), make_timestamp(finish));
CREATE OR REPLACE TEMP MACRO whole_months(start, finish) AS
    month_numbers_between(start, finish)
    - CAST(later_by(start, month_numbers_between(start, finish)) > finish AS INTEGER);
"""


def macros(rules: CustomerRules) -> str:
    """Return the statements that define the macros; a month is what the rules say it is."""
    if rules.month == "calendar":
        return _SHARED + _CALENDAR
    month = round(float(rules.month) * DAY)
    return f"""{_SHARED}
        CREATE OR REPLACE TEMP MACRO later_by(instant, months) AS instant + months * {month};
        CREATE OR REPLACE TEMP MACRO whole_months(start, finish) AS
            (finish - start) // {month}
            - CAST((finish - start) % {month} < 0 AS INTEGER);
    """
