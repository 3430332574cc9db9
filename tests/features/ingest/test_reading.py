"""How values of any type become columns of the contract."""

from datetime import UTC, datetime

import duckdb
import pytest

from features.mistakes import ConfigurationError, InputRefusedError


def select_one(desk, occurred_at: str, time_zone: str | None = None, more: str = "", **settings):
    """Ingest one event whose time is a SQL expression; return it."""
    select = (
        f"SELECT 'c' AS customer_id, 'support' AS kind, {occurred_at} AS occurred_at{more} FROM raw"
    )
    desk.ingest(desk.source("x", "1", select=select, time_zone=time_zone), **settings)
    (row,) = desk.events()
    return row


@pytest.mark.parametrize(
    ("sql", "time_zone", "expected"),
    [
        ("TIMESTAMPTZ '2024-01-01 02:00:00+02:00'", None, (2024, 1, 1)),
        ("TIMESTAMP '2024-01-01 01:00:00'", "Europe/Vienna", (2024, 1, 1)),
        ("TIMESTAMP '2024-07-01 02:00:00'", "Europe/Vienna", (2024, 7, 1)),
        ("TIMESTAMP_NS '2024-01-01 00:00:00'", "UTC", (2024, 1, 1)),
        ("DATE '2024-01-01'", None, (2024, 1, 1)),
        ("DATE '2024-01-01'", "Europe/Vienna", (2023, 12, 31, 23)),
        ("'2024-01-01'", None, (2024, 1, 1)),
        ("'2024-01-01T01:00:00+01:00'", None, (2024, 1, 1)),
        ("'2024-01-01 00:00Z'", None, (2024, 1, 1)),
        ("'2024-01-01 00:00:00.5+00'", None, (2024, 1, 1, 0, 0, 0, 500_000)),
        ("'2024-01-01T01:00:00'", "Europe/Vienna", (2024, 1, 1)),
        ("'2024-01-01T01:00:00Z'", "Europe/Vienna", (2024, 1, 1, 1)),
    ],
)
def test_a_time_becomes_an_instant_in_utc(desk, sql, time_zone, expected):
    assert select_one(desk, sql, time_zone)["occurred_at"] == datetime(*expected, tzinfo=UTC)


def test_a_column_of_local_times_without_a_zone_is_a_mistake(desk):
    with pytest.raises(
        ConfigurationError, match=r"sources\[events\]\.time_zone is missing"
    ) as error:
        select_one(desk, "TIMESTAMP '2024-01-01 00:00:00'")
    assert 'such as time_zone = "Europe/Vienna"' in str(error.value)


def test_numbers_as_times_are_a_mistake_that_says_how_to_convert_them(desk):
    with pytest.raises(ConfigurationError, match=r"of type INTEGER; .*to_timestamp"):
        select_one(desk, "1704067200")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("'2024-01-01T00:00:00'", "time_zone of its source"),
        ("'01/02/2024'", "occurred_at is '01/02/2024'; expected an ISO 8601 time"),
        ("'2024-02-30'", "'2024-02-30'"),
        ("TIMESTAMPTZ 'infinity'", "expected a time from 1900 to 2199"),
    ],
)
def test_a_time_that_cannot_be_placed_is_quarantined(desk, sql, said):
    with pytest.raises(InputRefusedError) as error:
        select_one(desk, sql)
    assert said in str(error.value)


def test_text_and_offsets_in_one_column_are_not_taken_for_utc(desk):
    lines = ["customer_id,kind,occurred_at", "c,support,2024-01-01T00:00:00Z"]
    report = desk.ingest(desk.source(*lines, "c,support,2024-01-02 00:00:00"), tolerated=0.5)
    assert (report.new, report.quarantined) == (1, 1)
    assert report.reasons[0].rule == "occurred_at unreadable"


def test_a_missing_recorded_at_is_when_it_occurred(desk):
    row = select_one(desk, "DATE '2024-01-01'")
    assert row["recorded_at"] == row["occurred_at"]


def test_ids_of_any_type_become_text_and_empty_text_becomes_null(desk):
    more = ", 7.0::DOUBLE AS subscription_id, 12::BIGINT AS basket_id, '' AS label, 1.5 AS amount"
    row = select_one(desk, "DATE '2024-01-01'", more=more)
    assert (row["subscription_id"], row["basket_id"], row["label"]) == ("7", "12", None)
    assert row["amount"] == 1.5


def test_text_that_is_no_number_is_quarantined_with_its_value(desk):
    lines = ["customer_id,kind,occurred_at,amount", "c,usage,2024-01-01,x", "d,usage,2024-01-01,1"]
    report = desk.ingest(desk.source(*lines), tolerated=0.5)
    assert report.reasons[0].example == "amount is 'x'; expected a number"
    assert [row["customer_id"] for row in desk.events()] == ["d"]


def test_a_review_without_rating_written_by_pandas_has_none(desk):
    select = (
        "SELECT 'c' AS customer_id, 'review' AS kind, DATE '2024-01-01' AS occurred_at, "
        "'nan'::DOUBLE AS amount FROM raw"
    )
    desk.ingest(desk.source("x", "1", select=select))
    assert desk.events()[0]["amount"] is None


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "ndjson.gz", "csv.gz"])
def test_every_format_reads_alike(desk, suffix):
    rows = "SELECT 'c' AS customer_id, 'usage' AS kind, '2024-01-01' AS occurred_at, 2 AS amount"
    kind = {"parquet": "parquet", "csv.gz": "csv"}.get(suffix, "json")
    duckdb.execute(f"COPY ({rows}) TO '{desk.folder}/raw.{suffix}' (FORMAT {kind})")
    desk.ingest(desk.source(files={"raw": f"raw.{suffix}"}))
    (row,) = desk.events()
    assert (row["amount"], row["occurred_at"]) == (2.0, datetime(2024, 1, 1, tzinfo=UTC))


def test_a_glob_reads_all_files_that_match(desk):
    for number in (1, 2):
        desk.put(
            f"part{number}.csv", "customer_id,kind,occurred_at", f"c{number},support,2024-01-01"
        )
    assert desk.ingest(desk.source(files={"raw": "part*.csv"})).new == 2


def test_a_line_that_does_not_fit_the_file_is_quarantined_and_the_rest_is_read(desk):
    lines = ["customer_id,kind,occurred_at,amount", *["c,usage,2024-01-01,1"] * 3]
    report = desk.ingest(desk.source(*lines, "c,usage,2024-01-01,1,too,many"), tolerated=0.3)
    assert (report.rows_read, report.new, report.quarantined) == (4, 3, 1)
    assert report.reasons[0].rule == "line unreadable"


@pytest.mark.parametrize(
    "text", ["2024-01-05 01:00:00", "2024-01-05T01:00", "2024-01-05 01:00:00.0"]
)
def test_every_iso_form_in_a_csv_is_read_in_the_zone_of_its_source(desk, text):
    source = desk.source(
        "customer_id,kind,occurred_at", f"c,support,{text}", time_zone="Europe/Vienna"
    )
    desk.ingest(source)
    assert desk.events()[0]["occurred_at"] == datetime(2024, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["05/01/2024", "05/01/2024 10:00:00", "2024/01/05"])
def test_whether_a_day_comes_before_its_month_is_never_guessed(desk, text):
    lines = ["customer_id,kind,occurred_at", f"c,support,{text}"]
    report = desk.ingest(desk.source(*lines, time_zone="UTC"), tolerated=1.0)
    assert report.new == 0
    assert "strptime in the select reads other forms" in report.reasons[0].example


def test_json_values_of_mixed_types_are_read_as_text(desk):
    event = '{"customer_id": %s, "kind": "usage", "occurred_at": "2024-01-01", "amount": %s}'
    desk.put("raw.jsonl", event % (7, 1), event % ('"a"', '"2.5"'))
    desk.ingest(desk.source(files={"raw": "raw.jsonl"}))
    assert {(row["customer_id"], row["amount"]) for row in desk.events()} == {
        ("7", 1.0),
        ("a", 2.5),
    }
