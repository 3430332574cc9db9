"""Files that are there as a whole or not at all."""

from pathlib import Path

import pytest

from features.whole_files import whole_file


def test_a_finished_draft_takes_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("old")

    with whole_file(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"

    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_that_breaks_off_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("old")

    with pytest.raises(OSError, match="disk full"):
        _break_off(path)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _break_off(path: Path) -> None:
    with whole_file(path) as draft:
        draft.write_text("ne")
        raise OSError("disk full")
