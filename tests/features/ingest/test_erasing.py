"""Erased customers leave every file of the log and its quarantine, and stay out."""

import json

import pytest

from features.ingest.erasing import erase_from_log
from features.log import Log

EVENTS = (
    "event_id,customer_id,kind,occurred_at,amount,label",
    "e1,ann,subscribe,2024-01-01,10,basic",
    ",ann,support,2024-01-02,,high",
    "e3,bob,subscribe,2024-01-01,10,basic",
    ",bob,referral_joined,2024-01-03,,ann",
    "e5,bob,referral_joined,2024-01-03,,cid",
    "e6,anna,subscribe,2024-01-01,10,basic",
    "e7,ann,payment,2024-01-05,-1,",
    "e8,bob,payment,2024-01-05,-1,",
)
CUSTOMERS = ("customer_id,acquired_at,referred_by", "ann,2024-01-01,bob", "bob,2024-01-01,ann")


@pytest.fixture
def sources(desk):
    return desk.source(*EVENTS), desk.source(*CUSTOMERS, into="customers")


@pytest.fixture
def filled(desk, sources):
    desk.ingest(*sources, tolerated=1.0)
    return desk


def words_below(folder) -> set[str]:
    """Return which of the ids stand in any file, as it is or as Parquet holds it."""
    import pyarrow.parquet as pq

    texts = []
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            texts.append(json.dumps(pq.read_table(path).to_pylist(), default=str))
        elif path.is_file():
            texts.append(path.read_text())
    return {word for word in ("ann", "bob", "anna") if any(f'"{word}"' in t for t in texts)} | {
        word for word in ("ann", "bob", "anna") if any(f",{word}," in t for t in texts)
    }


def test_nothing_of_an_erased_customer_is_left_in_any_file(filled):
    assert words_below(filled.state) == {"ann", "bob", "anna"}

    found = erase_from_log(filled.state, ["ann"])

    assert (found.events, found.profiles, found.mentions, found.quarantined) == (2, 1, 2, 1)
    assert found.first_recorded == 1_704_067_200_000_000
    assert len(found.event_ids) == 2
    assert words_below(filled.state) == {"bob", "anna"}


def test_what_others_did_stays_without_the_name(filled):
    erase_from_log(filled.state, ["ann"])

    newcomers = [row["label"] for row in filled.events() if row["kind"] == "referral_joined"]
    assert sorted(newcomers) == ["cid", "erased"]
    assert filled.log.read_customers().to_pylist()[0]["referred_by"] is None
    assert filled.log.n_events == len(filled.events()) == 4


def test_an_erased_customer_stays_out_of_what_is_ingested_later(filled, sources):
    erase_from_log(filled.state, ["ann"])
    fingerprint = filled.log.fingerprint

    report = filled.ingest(*sources, tolerated=1.0)

    assert (report.new, report.erased, report.replaced_tables) == (0, 3, ())
    assert report.rows_read == report.repeated + report.erased + report.quarantined
    assert filled.log.fingerprint == fingerprint
    assert words_below(filled.state) == {"bob", "anna"}


def test_what_was_erased_before_it_came_stays_out_too(desk, sources):
    erase_from_log(desk.state, ["ann"])
    desk.ingest(*sources, tolerated=1.0)

    assert {row["customer_id"] for row in desk.events()} == {"bob", "anna"}
    assert desk.log.read_customers().column("customer_id").to_pylist() == ["bob"]


def test_erasing_twice_finds_nothing_the_second_time(filled):
    erase_from_log(filled.state, ["ann"])
    manifest = (filled.state / "log" / "manifest.json").read_text()

    found = erase_from_log(filled.state, ["ann"])

    assert (found.events, found.profiles, found.mentions, found.quarantined) == (0, 0, 0, 0)
    assert (filled.state / "log" / "manifest.json").read_text() == manifest


def test_the_manifest_does_not_name_who_was_erased_and_tells_them_apart_by_a_salt(filled, tmp_path):
    erase_from_log(filled.state, ["ann"])
    erase_from_log(tmp_path / "other", ["ann"])
    one, other = filled.log.erased, Log.open(tmp_path / "other").erased

    assert "ann" in one
    assert "anna" not in one
    assert one.digests.isdisjoint(other.digests)
    assert "ann" not in json.dumps(filled.log.manifest()["erased"])


def test_an_unreadable_line_goes_where_the_id_is_a_word_of_it(desk):
    select = "SELECT * FROM raw"
    lines = ("customer_id,kind,occurred_at,amount", "bob,payment,2024-01-01,1")
    broken = ("ann;payment,2024-01-01,1,7,8,9", "anna;payment,2024-01-01,1,7,8,9")
    desk.ingest(desk.source(*lines, *broken, select=select), tolerated=1.0)

    assert erase_from_log(desk.state, ["ann"]).quarantined == 1
    (file,) = (desk.state / "quarantine").glob("*.csv")
    assert "anna;payment" in file.read_text()
