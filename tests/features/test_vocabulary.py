import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import Vocabulary
from features.contract import PLAN_COLUMNS
from features.log import Batch, Log, LogFile, arrow_schema
from features.mistakes import ConfigurationError
from features.vocabulary import vocabulary_of
from tests.features.histories import events_of, moment
from tests.features.strategies import ROLLS

APRIL = moment("2024-04-01")


def log_of(folder, **tables):
    (folder / "log").mkdir()
    files = []
    for name, table in tables.items():
        pq.write_table(table, folder / "log" / f"{name}.parquet")
        bucket = 0 if name == "events" else None
        files.append(LogFile(f"{name}.parquet", name, bucket, table.num_rows, name))
    return Log(folder, 1, (Batch("first", "ingest", tuple(files)),))


def happened(kind, **times):
    return [
        ("ann", kind, "2024-03-01", {"label": label})
        for label, count in times.items()
        for _ in range(count)
    ]


def words(log, attributes=(), rules=ROLLS, as_of=APRIL):
    return vocabulary_of(log, rules, attributes, as_of)


def test_metrics_and_severities_are_the_most_frequent_labels(tmp_path):
    severities = {"a": 20, "b": 21, "c": 22, "d": 22, "e": 23, "rare": 19}
    metrics = {f"m{number:02d}": 1 for number in range(12)} | {"most": 2}
    unlabelled = [("ann", "support", "2024-03-01")] * 30
    events = events_of(*happened("support", **severities), *happened("usage", **metrics))
    log = log_of(tmp_path, events=pa.concat_tables([events, events_of(*unlabelled)]))

    found = words(log)

    assert found.severities == ("b", "c", "d", "e")
    assert found.metrics == (*(f"m{number:02d}" for number in range(11)), "most")


def test_labels_known_at_the_instant_or_later_are_no_words_yet(tmp_path):
    late = [("ann", "usage", "2024-03-01", {"label": "late", "recorded_at": "2024-04-01"})]
    after = [("ann", "usage", "2024-04-01", {"label": "after"})] * 3
    seen = [("ann", "usage", "2024-03-31T23:59:59", {"label": "seen"})]

    assert words(log_of(tmp_path, events=events_of(*late, *after, *seen))).metrics == ("seen",)


def test_levels_are_those_that_enough_customers_have_and_numbers_have_none(tmp_path):
    acquired = [moment("2024-03-01")] * 45 + [moment("2024-04-01")] * 25 + [None]
    customers = pa.table(
        {
            "customer_id": [f"c{number}" for number in range(71)],
            "acquired_at": pa.array(acquired, pa.timestamp("us", tz="UTC")),
            "home country": ["AT"] * 25 + ["CH"] * 20 + ["DE"] * 25 + [None],
            "age": pa.array([30] * 71, pa.int64()),
            "is_member": [True] * 25 + [False] * 46,
        }
    )
    log = log_of(tmp_path, events=events_of(("c0", "support", "2024-03-01")), customers=customers)

    assert words(log, ["home country", "age", "is_member"]).levels == {
        "home country": ("AT", "CH"),
        "age": None,
        "is_member": ("false", "true"),
    }


def test_levels_of_who_has_no_date_count_from_their_first_visible_event_on(tmp_path):
    countries = {"AT": None, "BE": None, "CH": None, "DE": "2024-03-01"}
    customers = [
        {"customer_id": f"{country} {number}", "acquired_at": since and moment(since)}
        | {"country": country}
        for country, since in countries.items()
        for number in range(20)
    ]
    times = {"AT": {}, "BE": {"recorded_at": "2024-04-01"}}
    events = [
        (f"{country} {number}", "support", "2024-03-31", more)
        for country, more in times.items()
        for number in range(20)
    ]
    later = [(f"CH {number}", "support", "2024-04-01") for number in range(20)]
    table = pa.Table.from_pylist(customers)
    log = log_of(tmp_path, events=events_of(*events, *later), customers=table)

    assert words(log, ["country"]).levels == {"country": ("AT", "DE")}
    assert words(log, ["country"], as_of=moment("2024-04-02")).levels == {
        "country": ("AT", "BE", "CH", "DE")
    }


def test_an_attribute_that_no_customer_column_holds_is_refused(tmp_path):
    log = log_of(tmp_path, customers=pa.table({"customer_id": ["ann"], "age": [30]}))

    with pytest.raises(ConfigurationError, match=r"'mood'; expected columns .* selects age"):
        words(log, ["mood"])


def test_allowances_count_from_when_a_plan_with_one_is_in_force(tmp_path):
    rows = [("Basic", 9.0, None, None), ("Max", 30.0, moment("2024-04-01"), 100.0)]
    plans = [dict(zip(PLAN_COLUMNS, row, strict=True)) for row in rows]
    log = log_of(tmp_path, plans=pa.Table.from_pylist(plans, arrow_schema(PLAN_COLUMNS)))

    assert not words(log).has_allowances
    assert words(log, as_of=moment("2024-04-02")).has_allowances


def test_labels_of_extra_revenue_are_the_configured_ones(tmp_path):
    rules = ROLLS.model_copy(update={"extra_revenue": ("setup", "roaming")})

    assert words(Log(tmp_path), rules=rules) == Vocabulary(extra_revenue=("setup", "roaming"))
