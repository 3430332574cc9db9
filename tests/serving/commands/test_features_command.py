"""`keepworth features`: told as it is, shared by workers, and refused where the future is known."""

from pathlib import Path

import pytest

from features.history import History
from tests.serving.commands.small_workspace import write_small_workspace
from tests.serving.commands.terminal import done, keepworth

AS_OF = "2024-05-01"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_small_workspace(tmp_path / "small")
    done("ingest", "-C", folder)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    below = folder / "state" / "snapshots"
    return {
        str(path.relative_to(below)): path.read_bytes()
        for path in below.rglob("*")
        if path.is_file()
    }


def test_a_run_says_what_it_took_and_a_second_one_that_nothing_was_to_do(folder):
    first = done("features", "--as-of", AS_OF, "-C", folder)
    second = done("features", "--as-of", AS_OF, "-C", folder)
    assert first["events"] == 30
    assert first["events_per_second"] == pytest.approx(30 / first["seconds"])
    assert first["workers"] == 1
    assert 10e6 < first["peak_memory_bytes"] < 10e9
    assert [snapshot["is_new"] for snapshot in first["snapshots"]] == [True]
    assert [snapshot["is_new"] for snapshot in second["snapshots"]] == [False]
    assert second["events"] == 0
    assert "(up to date)" in keepworth("features", "--as-of", AS_OF, "-C", folder).out


def test_more_rows_in_the_log_make_a_snapshot_anew(folder):
    before = done("features", "--as-of", AS_OF, "-C", folder)
    raw = folder / "raw.csv"
    raw.write_text(raw.read_text() + "new,subscribe,2024-01-02T00:00:00Z,10,Basic\n")
    done("ingest", "-C", folder)
    (snapshot,) = done("features", "--as-of", AS_OF, "-C", folder)["snapshots"]
    assert snapshot["is_new"]
    assert snapshot["customers"] == before["snapshots"][0]["customers"] + 1


def test_two_workers_write_what_one_does(folder):
    done("features", "--as-of", AS_OF, "--workers", 1, "-C", folder)
    alone = files(folder)
    (folder / "state" / "snapshots" / AS_OF / "_key.json").unlink()
    answer = done("features", "--as-of", AS_OF, "--workers", 2, "-C", folder)
    assert answer["workers"] == 2
    assert files(folder) == alone


def test_an_instant_given_twice_is_one_snapshot(folder):
    answer = done("features", "--as-of", AS_OF, "--as-of", AS_OF, "-C", folder)
    assert len(answer["snapshots"]) == 1


def test_a_signal_that_knows_the_future_is_our_fault_and_nothing_is_published(folder, monkeypatch):
    monkeypatch.setattr(History, "visible_before", lambda self, _as_of: self)
    told = keepworth("features", "--as-of", AS_OF, "-C", folder, "--json")
    assert told.code == 1
    assert told.json["type"] == "keepworth:leak-found"
    assert "signals knew the future as of 2024-05-01" in told.json["detail"]
    assert files(folder) == {}
