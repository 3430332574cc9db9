"""Mistakes in a configuration of sources: named, with the value, the expectation, the way out."""

import pytest

from features.mistakes import ConfigurationError, InputRefusedError

LINES = ("customer_id,kind,occurred_at", "c,support,2024-01-01")


def mistakes_of(desk, *sources) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        desk.ingest(*sources)
    return [str(mistake) for mistake in error.value.mistakes]


def test_all_mistakes_of_all_sources_are_told_at_once(desk):
    sources = [
        desk.source(name="a", files={"x": "a.csv"}),
        desk.source(name="b", files={"x": "b.csv"}),
    ]
    assert len(mistakes_of(desk, *sources)) == 2


def test_a_missing_file_is_named_as_written_and_as_resolved(desk):
    (mistake,) = mistakes_of(desk, desk.source(files={"raw": "data/no.csv"}))
    assert mistake.startswith("sources[events].files.raw is 'data/no.csv' (")
    assert f"{desk.folder.resolve()}/data/no.csv), which does not exist" in mistake


def test_a_folder_for_a_file_is_a_mistake(desk):
    (desk.folder / "data").mkdir()
    (mistake,) = mistakes_of(desk, desk.source(files={"raw": "data"}))
    assert "which is a folder; expected a file, or a glob such as data/*.parquet" in mistake


def test_an_empty_file_is_a_mistake(desk):
    (desk.folder / "raw.csv").touch()
    (mistake,) = mistakes_of(desk, desk.source(files={"raw": "raw.csv"}))
    assert "which is empty (0 bytes); expected a file with rows" in mistake


def test_a_glob_that_matches_nothing_is_a_mistake(desk):
    (mistake,) = mistakes_of(desk, desk.source(files={"raw": "*.parquet"}))
    assert "'*.parquet', which matches nothing in" in mistake


def test_a_format_that_is_not_known_is_a_mistake(desk):
    desk.put("raw.xlsx", "x")
    (mistake,) = mistakes_of(desk, desk.source(files={"raw": "raw.xlsx"}))
    assert "which is of no known format; expected one of .csv, .csv.gz" in mistake


def test_an_unknown_column_is_answered_with_the_closest_known_one(desk):
    source = desk.source("customer_id,kind,occurred_at,amout", "c,usage,2024-01-01,1")
    (mistake,) = mistakes_of(desk, source)
    assert "yielding a column 'amout'; expected columns of events: event_id" in mistake
    assert mistake.endswith("(did you mean amount?)")


def test_missing_columns_are_named_beside_those_present(desk):
    (mistake,) = mistakes_of(desk, desk.source("customer_id,label", "c,x"))
    assert "without kind, occurred_at; it yields customer_id, label" in mistake


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ("SELECT nothing FROM raw", "nothing"),
        ("SELEC * FROM raw", "syntax error"),
        ("SELECT 1; SELECT 2", "2 statements or no SELECT"),
        ("CREATE TABLE t AS SELECT 1", "expected exactly one SELECT"),
        ("-- nothing", "0 statements or no SELECT"),
    ],
)
def test_a_select_that_cannot_run_is_named_with_the_reason(desk, select, said):
    (mistake,) = mistakes_of(desk, desk.source(*LINES, select=select))
    assert mistake.startswith("sources[events].select is ")
    assert said in mistake


def test_a_select_sees_no_file_but_its_own(desk):
    desk.put("secret.csv", *LINES)
    select = f"SELECT * FROM read_csv('{desk.folder}/secret.csv')"
    (mistake,) = mistakes_of(desk, desk.source(*LINES, select=select))
    assert "Permission Error" in mistake


def test_a_select_does_not_see_the_views_of_another_source(desk):
    other = desk.source(*LINES, name="other", files={"theirs": desk.put("theirs.csv", *LINES)})
    other = other.model_copy(update={"select": "SELECT * FROM theirs"})
    mine = desk.source(*LINES, select="SELECT * FROM theirs")
    (mistake,) = mistakes_of(desk, other, mine)
    assert mistake.startswith("sources[events].select is refused (Catalog Error")


def test_a_nested_column_cannot_be_an_id_or_an_amount(desk):
    select = "SELECT [1] AS customer_id, kind, occurred_at, true AS amount FROM raw"
    first, second = mistakes_of(desk, desk.source(*LINES, select=select))
    assert "customer_id of type INTEGER[]; expected text or a number" in first
    assert "amount of type BOOLEAN; expected a number" in second


def test_two_sources_of_one_name_are_a_mistake(desk):
    (mistake,) = mistakes_of(desk, desk.source(*LINES), desk.source(*LINES))
    assert mistake == "sources.name is 'events' more than once; give each source a name of its own"


def test_without_a_source_of_events_there_is_nothing_to_do(desk):
    (mistake,) = mistakes_of(desk, desk.source("plan,list_amount", "p,1", into="plans"))
    assert mistake == 'sources is without events; give one with into = "events"'


def test_a_comment_or_semicolon_at_the_end_of_a_select_is_fine(desk):
    assert desk.ingest(desk.source(*LINES, select="SELECT * FROM raw; ")).new == 1
    assert desk.ingest(desk.source(*LINES, select="SELECT * FROM raw -- all")).repeated == 1


def test_a_file_that_breaks_off_is_refused_with_its_source(desk):
    (desk.folder / "raw.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises((ConfigurationError, InputRefusedError), match=r"sources\[events\]"):
        desk.ingest(desk.source(files={"raw": "raw.parquet"}))


def mistakes_of_attributes(desk, *sources) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        desk.ingest(*sources, attributes=["country"])
    assert desk.log.n_events == 0
    return [str(mistake) for mistake in error.value.mistakes]


def test_an_attribute_that_no_source_of_customers_selects_is_a_mistake(desk):
    customers = desk.source("customer_id,age", "c,30", into="customers")
    (mistake,) = mistakes_of_attributes(desk, desk.source(*LINES), customers)
    assert mistake == (
        "features.attributes is 'country'; expected columns that a source of customers selects; "
        "it selects age"
    )


def test_an_attribute_without_a_source_of_customers_is_a_mistake(desk):
    (mistake,) = mistakes_of_attributes(desk, desk.source(*LINES))
    assert mistake.endswith("is 'country'; select it in a source with into = \"customers\"")


def test_an_attribute_of_customers_that_an_earlier_ingest_read_is_there(desk):
    customers = desk.source("customer_id,country", "c,AT", into="customers")
    desk.ingest(desk.source(*LINES), customers, attributes=["country"])
    assert desk.ingest(desk.source(*LINES), attributes=["country"]).repeated == 1
