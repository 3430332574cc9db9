"""Examples become workspaces of their own, whole or not at all."""

from pathlib import Path

import pytest

from features.mistakes import ConfigurationError, InputRefusedError, NotFoundError
from serving.configuration import FILE_NAME
from serving.workspaces.examples import EXAMPLES, Example, set_up_example, usual_source
from tests.serving.workspaces.stand_in import StandIn


def test_an_example_is_ingested_without_quarantine_or_oddity(example: StandIn) -> None:
    example.set_up()
    report = example.ingest()
    assert (report.quarantined, report.oddities) == (0, ())
    assert report.new == report.rows_read > 0


def test_a_workspace_holds_all_that_its_configuration_reads(example: StandIn) -> None:
    written = example.set_up()
    assert sorted(path for path in example.workspace.rglob("*") if path.is_file()) == written
    named = {file for source in example.configuration.sources for file in source.files.values()}
    assert {example.workspace / name for name in named} <= set(written)


def test_declared_attributes_are_columns_of_the_customers(example: StandIn) -> None:
    example.set_up()
    example.ingest()
    for attribute in example.configuration.features.attributes:
        assert all(attribute in row for row in example.customers())


def test_setting_up_twice_is_refused_and_changes_nothing(example: StandIn) -> None:
    example.set_up()
    before = {p: p.read_bytes() for p in example.workspace.rglob("*") if p.is_file()}
    with pytest.raises(ConfigurationError, match=r"keepworth\.toml exists already"):
        example.set_up()
    assert {p: p.read_bytes() for p in example.workspace.rglob("*") if p.is_file()} == before


def test_every_example_of_the_checkout_can_be_set_up_by_name() -> None:
    folders = Path(__file__).parents[3] / "examples"
    ready = {path.parent.name for path in folders.glob(f"*/{FILE_NAME}")}
    assert ready == {known.name for known in EXAMPLES}


def test_a_line_that_is_no_purchase_is_named_and_nothing_is_set_up(cdnow: StandIn) -> None:
    header, line = " customer_id  date number_of_cds  dollar_value", " 00001 19970101  1   11.77"
    cdnow.put("CDNOW_master.txt", header, line, " 00003 1997-01-02 2")
    with pytest.raises(InputRefusedError, match=r"line 3 is '00003 1997-01-02 2'"):
        cdnow.set_up()
    assert not list(cdnow.workspace.iterdir())


def test_missing_data_is_named_with_the_folder_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        set_up_example("cas_uslapseagent", tmp_path / "life", tmp_path)
    message = str(caught.value)
    assert f"{tmp_path}, without uslapseagent.parquet" in message
    assert "give --data FOLDER" in message
    assert not (tmp_path / "life").exists()


def test_an_unknown_example_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"cdnow.*did you mean cdnow\?"):
        set_up_example("cdnov", tmp_path, None)


def test_a_file_in_the_way_is_kept_and_named(cdnow: StandIn) -> None:
    cdnow.workspace.mkdir()
    notes = cdnow.workspace / "README.md"
    notes.write_text("mine")
    with pytest.raises(ConfigurationError, match=r"README\.md exists already"):
        cdnow.set_up()
    assert (notes.read_text(), list(cdnow.workspace.iterdir())) == ("mine", [notes])


def test_data_of_a_package_that_is_not_installed_says_which_command_installs_it() -> None:
    absent = Example("cdnow", ("CDNOW_master.txt",), package="no_such_package")
    with pytest.raises(NotFoundError, match=r"without no_such_package; run `make examples`"):
        usual_source(absent)
