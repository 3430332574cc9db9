"""Mistakes planted in data and on the command line: an exit code of the contract, and words.

Those of `keepworth.toml` stand in `tests/serving/test_configuration.py`.
"""

import os
import shutil
from pathlib import Path

import pytest

from features.ingest.lock import writing
from tests.serving.commands.small_workspace import (
    CONFIGURATION,
    HEADER,
    SUBSCRIBED,
    changed,
    with_setting,
    write_small_workspace,
)
from tests.serving.commands.terminal import done, keepworth

IN_DATA: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {
    "a wrong column": (
        2,
        (HEADER.replace("customer_id", "client"), *SUBSCRIBED),
        ("yielding a column 'client'", "without customer_id", "select the missing"),
    ),
    "a misspelt column": (
        2,
        (HEADER.replace("label", "lable"), *SUBSCRIBED),
        ("yielding a column 'lable'", "expected columns of events", "did you mean label?"),
    ),
    "local times": (
        2,
        (HEADER, *(line.replace("T00:00:00Z", " 00:00:00") for line in SUBSCRIBED)),
        ("time_zone is missing", "occurred_at", 'time_zone = "Europe/Vienna"'),
    ),
    "an unknown kind": (
        3,
        (HEADER, *(line.replace("subscribe", "subscribed") for line in SUBSCRIBED)),
        ("30 of 30 event rows", "kind is 'subscribed'", "did you mean subscribe?", "quarantine"),
    ),
    "a negative price": (
        3,
        (HEADER, "c,payment,2024-01-01,-5,"),
        ("amount is -5.0", "expected a number from 0", "ingest.max_quarantined_share"),
    ),
    "an amount that is no number": (
        3,
        (HEADER, *SUBSCRIBED, "c,payment,2024-01-01,NaN,"),
        ("1 of 31 event rows (3.23%)", "amount is nan", "at most 1.00% may be"),
    ),
    "an id with other content": (
        3,
        (f"event_id,{HEADER}", "e,a,subscribe,2024-01-01,1,B", "e,b,subscribe,2024-01-01,1,B"),
        ("event id e is already in the log with other content", "customer_id a, here b"),
    ),
    "a line that breaks off": (
        3,
        (HEADER, *SUBSCRIBED, "c,payment"),
        ("line 32 is c,payment", "Expected Number of Columns: 5 Found: 2"),
    ),
    "a header alone": (3, (HEADER,), ("without rows", "expected at least one event")),
}


def told(code: int, words: tuple[str, ...], *arguments: object) -> None:
    """Hold a failure against the contract: for people on stderr, for machines one object."""
    people, machines = keepworth(*arguments), keepworth(*arguments, "--json")
    assert (people.code, machines.code) == (code, code)
    assert people.out == ""
    assert people.err.startswith("keepworth: ")
    assert "Traceback" not in people.err + machines.err
    problem = machines.json
    assert set(problem) == {"type", "title", "detail", "errors"}
    for mistake in problem["errors"]:
        assert set(mistake) == {"key", "value", "expected"}
        assert all(mistake.values())
    for word in words:
        assert word in people.err
        assert word in problem["detail"]


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with a log and no model; nobody in it ever leaves."""
    folder = write_small_workspace(tmp_path_factory.mktemp("ingested"))
    done("ingest", "-C", folder)
    return folder


@pytest.mark.parametrize(("code", "lines", "words"), IN_DATA.values(), ids=IN_DATA.keys())
def test_a_mistake_in_the_data_is_named_with_the_way_out(tmp_path, code, lines, words):
    write_small_workspace(tmp_path, CONFIGURATION, *lines)
    told(code, words, "ingest", "-C", tmp_path)


def test_a_repeated_row_is_counted_and_not_ingested_twice(tmp_path):
    row = "e,a,subscribe,2024-01-01,1,B"
    write_small_workspace(tmp_path, CONFIGURATION, f"event_id,{HEADER}", row, row)
    answer = done("ingest", "-C", tmp_path)
    assert (answer["new"], answer["repeated"]) == (1, 1)


def test_an_empty_file_is_named(tmp_path):
    write_small_workspace(tmp_path)
    (tmp_path / "raw.csv").write_bytes(b"")
    told(2, ("'raw.csv'", "which is empty (0 bytes)", "expected a file"), "ingest", "-C", tmp_path)


def test_a_missing_file_is_named_as_written_and_as_resolved(tmp_path):
    write_small_workspace(tmp_path)
    (tmp_path / "raw.csv").unlink()
    words = ("'raw.csv'", str(tmp_path / "raw.csv"), "does not exist", "relative to keepworth.toml")
    told(2, words, "ingest", "-C", tmp_path)


def test_a_folder_for_a_file_is_answered_with_a_glob(tmp_path):
    write_small_workspace(tmp_path)
    (tmp_path / "raw.csv").unlink()
    (tmp_path / "raw.csv").mkdir()
    told(2, ("which is a folder", "raw.csv/*.parquet"), "ingest", "-C", tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path):
    write_small_workspace(tmp_path)
    (tmp_path / "raw.csv").chmod(0)
    told(2, ("'raw.csv'", "may not be read", "permission"), "ingest", "-C", tmp_path)


def test_a_syntax_error_in_a_select_is_told_with_its_reason(tmp_path):
    write_small_workspace(tmp_path, changed("SELECT *", "SELEC *"))
    words = ("sources[events].select", 'syntax error at or near "SELEC"', "a SELECT over raw")
    told(2, words, "ingest", "-C", tmp_path)


def test_a_mistake_in_the_configuration_is_told_by_every_command(tmp_path):
    write_small_workspace(tmp_path, changed('"EUR"', '"EURO"'))
    for command in ("ingest", "features", "train", "backtest", "score", "serve"):
        told(2, ("business.currency is 'EURO'", "EUR, USD or GBP"), command, "-C", tmp_path)


def test_an_attribute_that_no_source_selects_is_named(tmp_path):
    text = CONFIGURATION + '[features]\nattributes = ["country"]\n'
    words = ("features.attributes is 'country'", 'into = "customers"')
    told(2, words, "ingest", "-C", write_small_workspace(tmp_path, text))


def test_a_file_where_the_state_belongs_is_no_fault_of_ours(tmp_path):
    write_small_workspace(tmp_path)
    (tmp_path / "state").touch()
    told(
        2,
        (str(tmp_path / "state"), "File exists", "no file for a folder"),
        "ingest",
        "-C",
        tmp_path,
    )


@pytest.mark.parametrize("command", ["features", "train", "backtest", "score"])
def test_nothing_goes_before_ingest(tmp_path, command):
    write_small_workspace(tmp_path)
    told(3, ("no events yet", "run `keepworth ingest` first"), command, "-C", tmp_path)


def test_score_goes_after_train(ingested):
    told(4, ("no model has been trained", "run `keepworth train` first"), "score", "-C", ingested)


def test_a_model_that_does_not_exist_is_named(ingested):
    told(4, ("model is 17", "keepworth train"), "score", "--model", "17", "-C", ingested)


def test_a_business_that_nobody_leaves_cannot_be_learned_from(ingested):
    words = ("too few exits", "is 0; at least 10 are needed", "`cancel` events are mapped")
    told(3, words, "train", "-C", ingested)


@pytest.mark.parametrize("command", ["features", "train"])
@pytest.mark.parametrize(
    ("code", "as_of", "words"),
    [
        (2, "2024-05-01T00:00:00", ("'2024-05-01T00:00:00' has no time zone", "with Z or")),
        (2, "soon", ("'soon' is no instant", "expected a date (00:00 UTC)")),
        (2, "1800-01-01", ("1800-01-01", "give a year from 1900 to 2199")),
        (3, "2030-01-01", ("2030-01-01", "not observed", "from 2024-01-01 to 2024-06-01")),
        (3, "2023-01-01", ("2023-01-01", "not observed", "from 2024-01-01 to 2024-06-01")),
    ],
)
def test_an_instant_must_have_been_observed(ingested, command, code, as_of, words):
    told(code, words, command, "--as-of", as_of, "-C", ingested)


def test_a_window_that_is_not_over_is_refused_with_the_cutoffs_that_fit(ingested):
    words = ("cutoff is 2024-05-28 with 3 months ahead", "complete until 2024-06-01")
    told(3, words, "backtest", "--cutoff", "2024-05-28", "--months", "3", "-C", ingested)


@pytest.mark.parametrize("months", ["0", "-3", "241", "some"])
def test_months_ahead_are_a_whole_number_from_1_to_240(ingested, months):
    words = ("'--months'", f"--months {months}", "see keepworth backtest --help")
    told(2, words, "backtest", "-C", ingested, "--months", months)


def test_a_peer_of_the_other_contract_is_refused_with_those_that_suit(ingested):
    words = ("a model of transactional customers", "choose among kaplan_meier, sbg, cox, aft")
    told(2, words, "backtest", "-C", ingested, "--peer", "bg_nbd_gamma_gamma")


def test_a_second_writer_is_told_who_holds_the_workspace(ingested):
    with writing(ingested / "state"):
        told(5, (f"Process {os.getpid()} is writing", "try again"), "ingest", "-C", ingested)


def test_a_folder_without_configuration_is_no_workspace(tmp_path):
    words = (str(tmp_path), "keepworth init", "-C PATH")
    told(2, words, "ingest", "-C", tmp_path)


def test_the_configuration_is_not_the_workspace_but_its_folder_is(ingested):
    words = ("a file", f"-C {ingested}")
    told(2, words, "ingest", "-C", ingested / "keepworth.toml")


def test_a_command_or_option_that_does_not_exist_is_a_mistake_in_usage(tmp_path):
    told(2, ("'ingets'", "see keepworth --help"), "ingets")
    told(2, ("--asof", "--as-of", "see keepworth train --help"), "train", "--asof", "2024-01-01")
    words = ("'--engine': 'sprak' is not one of 'local', 'spark'", "see keepworth score --help")
    told(2, words, "score", "--engine", "sprak")


def test_an_unknown_example_is_answered_with_the_closest(tmp_path):
    told(4, ("'cdnov'", "did you mean cdnow?"), "init", tmp_path / "x", "--example", "cdnov")


def test_init_replaces_nothing(ingested):
    told(2, ("keepworth.toml exists already", "another folder"), "init", ingested)


def test_a_demo_leaves_folders_that_are_not_its_own(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "mine.csv").write_text("a,b\n")
    (tmp_path / "README.md").write_text("# My data\n")
    told(2, (str(tmp_path), "no demo's", "expected a new or empty folder"), "demo", tmp_path)
    assert (tmp_path / "raw" / "mine.csv").exists()


def test_mistakes_leave_nothing_behind_that_a_second_run_would_trip_over(tmp_path):
    lines = (HEADER, "c,payment,2024-01-01,-5,")
    write_small_workspace(tmp_path, CONFIGURATION, *lines)
    assert keepworth("ingest", "-C", tmp_path).code == 3
    write_small_workspace(tmp_path)
    assert done("ingest", "-C", tmp_path)["new"] == 30


def test_observation_that_ends_before_the_events_leaves_nothing_to_train_on(ingested, tmp_path):
    shutil.copytree(ingested, tmp_path / "early")
    text = with_setting("observed_until = 2023-01-01")
    (tmp_path / "early" / "keepworth.toml").write_text(text)
    told(3, ("too little history", "at least two months"), "train", "-C", tmp_path / "early")
