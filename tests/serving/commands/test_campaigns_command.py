"""`keepworth campaigns` as a marketer calls it: look first, then let it decide, then see."""

import shutil

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from serving.commands.campaign_export import SCHEMA
from serving.workspace import open_workspace
from tests.serving.campaigns.written import CARE, STAY, with_campaigns
from tests.serving.commands.terminal import done, keepworth
from training.uplift.response_files import Origin, save_response
from training.uplift.responses import CampaignResponse
from valuation.effects import Effect


@pytest.fixture(scope="module")
def folder(operator_workspace, tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaigns") / "shop"
    with_campaigns(operator_workspace, folder, STAY, CARE).store.close()
    return folder


def test_a_check_shows_every_month_and_leaves_no_trace(folder):
    checked = done("campaigns", "check", "stay", "--months", 3, "-C", folder)
    assert len(checked["instants"]) == 3
    for month in checked["instants"]:
        not_contacted = sum(month["not_contacted"].values())
        assert month["audience"] == month["contacts"] + month["control"] + not_contacted
        assert month["most_cost"] == pytest.approx(8.5 * month["contacts"])
        assert month["expected_cost"] <= month["most_cost"] <= 400.0
    assert sum(month["contacts"] for month in checked["instants"]) > 0
    profits = [row["expected_profit"] for row in checked["contacts"]]
    assert profits == sorted(profits, reverse=True)
    listed = done("campaigns", "list", "-C", folder)["campaigns"]
    assert [(each["campaign"], each["contacts"]) for each in listed] == [("stay", 0), ("care", 0)]


def test_a_campaign_that_waits_for_events_is_checked_for_who_had_one(folder):
    checked = done("campaigns", "check", "care", "--months", 2, "-C", folder)
    assert len(checked["instants"]) == 2
    assert all(month["contacts"] for month in checked["instants"])


def test_a_measured_save_rate_is_told_as_measured(folder, tmp_path):
    copied = open_workspace(shutil.copytree(folder, tmp_path / "taught"))
    # .8 x .2 / .0625^2 - 1 = 39.96 would-be leavers, beside 20 of whom .4 are assumed.
    measured = Effect(0.8, 0.6, 0.9, 0.0625, 0.02, 0.1, 1000, 1000)
    path = copied.response_file("stay")
    save_response(CampaignResponse("measured", measured), [], Origin("treated", 3), path)
    copied.response_file("care").write_text("damaged")
    rate = (39.96 * 0.8 + 20 * 0.4) / 59.96

    checked = done("campaigns", "check", "stay", "--months", 1, "-C", copied.folder)
    assert checked["save_rate"] == {"source": "measured", "value": pytest.approx(rate)}
    told = keepworth("campaigns", "check", "stay", "--months", 1, "-C", copied.folder)
    assert "measured: 67% of leavers saved. Assumed: 10% of stayers accept, 0% of" in told.out
    assert "not measured" not in told.out
    run = keepworth("campaigns", "run", "-C", copied.folder)
    assert (run.code, "state/responses/care.json is altered" in run.err) == (3, True)

    copied.response_file("care").unlink()
    run = keepworth("campaigns", "run", "-C", copied.folder)
    assert "stay: measured: 67% of leavers saved" in run.out


def test_a_night_is_decided_told_and_listed_and_not_twice(folder):
    told = keepworth("campaigns", "run", "-C", folder)
    assert (told.code, "Contacted, most profit first" in told.out) == (0, True)
    again = done("campaigns", "run", "-C", folder)
    assert again["already_decided"] > 0
    assert again["contacts"] == []
    [stay, _] = done("campaigns", "list", "-C", folder)["campaigns"]
    assert stay["contacts"] > 0
    assert stay["assigned"] == stay["contacts"] + stay["in_control"]
    assert stay["reserved_this_month"] == pytest.approx(8.5 * stay["contacts"])
    assert not stay["sample_ratio_mismatch"]
    assert "stay" in keepworth("campaigns", "list", "-C", folder).out


def test_triggers_are_exported_for_a_crm_as_csv_and_as_parquet(folder, tmp_path):
    done("campaigns", "run", "-C", folder)
    said = done("campaigns", "export", tmp_path / "all.csv", "-C", folder)
    rows = pacsv.read_csv(tmp_path / "all.csv")
    [stay, _] = done("campaigns", "list", "-C", folder)["campaigns"]
    assert said["triggers"] == rows.num_rows == stay["contacts"] > 1
    numbers = rows.column("number").to_pylist()
    assert numbers == sorted(set(numbers))
    assert said["next_after"] == numbers[-1]
    assert sum(rows.column("expected_profit").to_pylist()) == pytest.approx(stay["expected_profit"])
    assert set(rows.column("offer").to_pylist()) == {"three months at half price"}
    done("campaigns", "export", tmp_path / "rest.parquet", "--after", numbers[0], "-C", folder)
    rest = pq.read_table(tmp_path / "rest.parquet")
    assert rest.column("number").to_pylist() == numbers[1:]
    assert rest.column("id").to_pylist() == rows.column("id").to_pylist()[1:]
    assert rest.schema.field("not_before").type == pa.timestamp("us", tz="UTC")


def test_an_export_without_anything_new_has_its_columns_all_the_same(folder, tmp_path):
    said = done("campaigns", "export", tmp_path / "new.csv", "--after", 9999, "-C", folder)
    assert (said["triggers"], said["next_after"]) == (0, 9999)
    assert pacsv.read_csv(tmp_path / "new.csv").column_names == SCHEMA.names


def test_an_export_of_an_unknown_type_is_refused(folder, tmp_path):
    told = keepworth("campaigns", "export", tmp_path / "all.xlsx", "-C", folder)
    assert (told.code, list(tmp_path.iterdir())) == (2, [])
    assert "expected a name that ends in .csv or .parquet" in told.err


def test_a_campaign_that_is_not_there_is_told_with_those_that_are(folder):
    told = keepworth("campaigns", "check", "stey", "-C", folder)
    assert told.code == 4
    assert "expected one of stay, care" in told.err
