"""A new workspace: one configuration that is valid as it stands, never in place of another."""

from pathlib import Path

import pytest

from features.ingest.run import ingest
from features.mistakes import ConfigurationError
from serving.configuration import FILE_NAME, read_configuration
from serving.workspaces.starter import set_up_workspace


def test_a_new_workspace_holds_one_valid_configuration(tmp_path: Path) -> None:
    assert set_up_workspace(tmp_path / "shop") == [tmp_path / "shop" / FILE_NAME]
    assert read_configuration(tmp_path / "shop" / FILE_NAME).business.currency == "EUR"


def test_the_new_configuration_reads_the_file_that_it_describes(tmp_path: Path) -> None:
    set_up_workspace(tmp_path)
    (tmp_path / "data").mkdir()
    lines = ["customer_id,started_at,ended_at,monthly_fee,plan", "a,2024-01-01,2024-03-01,9.5,s"]
    (tmp_path / "data" / "contracts.csv").write_text("\n".join(lines) + "\n")
    chosen = read_configuration(tmp_path / FILE_NAME)
    report = ingest(tmp_path, tmp_path / "state", chosen.sources, chosen.business, chosen.ingest)
    assert report.rows_by_kind == {"subscribe": 1, "cancel": 1}


def test_a_configuration_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already"):
        set_up_workspace(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("")
    with pytest.raises(ConfigurationError, match="is a file"):
        set_up_workspace(tmp_path / "shop")
