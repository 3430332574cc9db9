"""`keepworth campaigns report` as a marketer calls it: figures, words, a page, clear refusals."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert

from features.instants import instant_from_text
from serving.store.serving_version import ModelVersion, add_version, load_version
from serving.store.tables import campaign_assignment
from serving.workspace import Workspace, open_workspace
from tests.serving.commands.terminal import done, keepworth
from tests.serving.conftest import ingested
from tests.training.experiments.planted import PlantedCampaign
from tests.training.worlds import at
from training.bundle import Bundle
from training.bundle_files import save_bundle
from training.experiments.assignments import assignments_of
from training.uplift.response_files import load_response
from training.uplift.responses import FEWEST_LEAVERS

PLANTED = PlantedCampaign(began="2023-07-01T09:00:00Z", save_rate=0.5)
PROGRAMME, TWO_ARMS = ("club/member",), ("two/gold", "two/silver", "two/control")
SOURCES = """
[[sources]]
name = "events"
into = "events"
files = { raw = "events.parquet" }
select = "SELECT * FROM raw"
"""


def assigned_again(events: pa.Table, labels: Sequence[str]) -> pa.Table:
    """Return the assignments once more, labelled in turn."""
    again = events.filter(pc.equal(events.column("kind"), "assignment"))
    given = [labels[row % len(labels)] for row in range(again.num_rows)]
    ids = [f"{label}-{row}" for row, label in enumerate(given)]
    for name, values in (("label", given), ("event_id", ids)):
        place = again.schema.get_field_index(name)
        again = again.set_column(place, again.schema.field(name), pa.array(values))
    return again


@pytest.fixture(scope="module")
def workspace(operator_workspace: Workspace, tmp_path_factory) -> Workspace:
    """Return the operator with a campaign in its log, and the version that was trained on it."""
    folder = tmp_path_factory.mktemp("campaign")
    settings = (operator_workspace.folder / "keepworth.toml").read_text()
    head = settings[: settings.index("[features]")]
    (folder / "keepworth.toml").write_text(head + SOURCES)
    events = PLANTED.events(operator_workspace.log())
    others = [assigned_again(events, PROGRAMME), assigned_again(events, TWO_ARMS)]
    pq.write_table(pa.concat_tables([events, *others]), folder / "events.parquet")
    return ingested(folder)


@pytest.fixture(scope="module")
def modelled(workspace: Workspace, operator_workspace: Workspace, tmp_path_factory) -> Workspace:
    """Return the same with two versions that say they were trained before the campaign began."""
    folder = tmp_path_factory.mktemp("modelled") / "operator"
    shutil.copytree(workspace.folder, folder)
    copied = open_workspace(folder)
    bundle = load_version(operator_workspace.store)
    for version, cutoff in (("1", "2023-06-01"), ("2", "2023-07-01"), ("3", "2023-05-01")):
        register_copy(copied, replace(bundle, cutoff=at(cutoff)), version)
    return copied


def register_copy(workspace: Workspace, bundle: Bundle, version: str) -> None:
    digest = save_bundle(bundle, workspace.models / version)
    registered = f"2026-01-0{version}T00:00:00Z"
    add_version(workspace.store, ModelVersion(version, digest, registered))


def test_without_a_model_of_before_clv_is_left_out_and_the_rest_measured(workspace):
    content = done("campaigns", "report", "winter", "-C", workspace.folder)
    (effects,) = content["effects"]

    assert (content["status"], content["model_version"]) == ("measured", None)
    assert effects["clv"] is None
    assert effects["counted_in"] == "margin"
    assert effects["retention"]["plain"]["effect"] > 0
    assert any("keepworth train --as-of 2023-07-01" in said for said in content["warnings"])


def test_clv_is_measured_by_the_version_that_saw_most_of_before_and_stays_with_it(modelled):
    first = done("campaigns", "report", "winter", "-C", modelled.folder)
    register_copy(modelled, load_version(modelled.store, "2"), "4")
    again = done("campaigns", "report", "winter", "-C", modelled.folder)

    assert first["model_version"] == again["model_version"] == "2"
    (effects,) = again["effects"]
    levers = effects["time_lever"]["effect"] + effects["value_lever"]["effect"]
    assert levers == pytest.approx(effects["clv"]["adjusted"]["effect"])
    net = effects["gain"]["effect"] - effects["cost"]
    assert effects["net"]["effect"] == pytest.approx(net)


def test_a_campaign_whose_contacts_nobody_posted_is_not_told_as_free(workspace):
    told = keepworth("campaigns", "report", "two", "-C", workspace.folder)

    assert told.code == 0
    said = " ".join(told.out.split())
    assert "measured, but what it cost is not on record" in said
    assert "nobody of gold has a `contact` event" in said


def test_the_page_is_one_file_that_loads_nothing_and_has_a_picture(modelled):
    content = done("campaigns", "report", "winter", "-C", modelled.folder)
    page = (modelled.folder / "reports" / "campaigns" / "winter.html").read_text()

    assert content["report"].endswith("reports/campaigns/winter.html")
    assert page.count("<svg viewBox") >= 4
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "default-src &#39;none&#39;" in page
    assert "@media print" in page


def test_unfinished_windows_are_told_as_too_early_with_the_day_they_end(workspace):
    told = keepworth("campaigns", "report", "winter", "--months", 9, "-C", workspace.folder)

    assert told.code == 0
    assert "too early to say" in told.out
    assert "the first ends 2024-04-01" in " ".join(told.out.split())


def test_group_sizes_other_than_promised_are_a_mismatch(workspace):
    content = done("campaigns", "report", "winter", "--control-share", 0.1, "-C", workspace.folder)

    assert content["status"] == "mismatch"
    assert content["sample_ratio"]["is_mismatch"]
    assert content["warnings"][0].startswith("sample ratio mismatch")


def test_the_control_shares_of_those_assigned_here_are_known_one_by_one(workspace, tmp_path):
    """Who is in the live store and not yet in the log counts on neither side."""
    copied = open_workspace(shutil.copytree(workspace.folder, tmp_path / "decided"))
    moment = instant_from_text("2024-01-01")
    known = assignments_of(copied.log(), "winter", moment).customer_ids.tolist()
    later = [f"not-drained-{number}" for number in range(500)]
    rows = [
        {"campaign": "winter", "customer_id": each, "arm": "control", "draw": 0.1}
        | {"control_share": share, "assigned_at": at("2023-07-01")}
        for ids, share in ((known[::2], 0.4), (known[1::2], 0.6), (later, 0.9))
        for each in ids
    ]
    with copied.store.writing() as connection:
        connection.execute(insert(campaign_assignment), rows)
    content = done("campaigns", "report", "winter", "-C", copied.folder)

    promised = content["sample_ratio"]["promised"]
    assert promised == pytest.approx([len(known) / 2] * 2, abs=0.2)
    assert content["status"] == "measured"
    assert any("(40%, 60%)" in said for said in content["warnings"])


def test_an_unknown_campaign_is_not_found(workspace):
    told = keepworth("campaigns", "report", "autumn", "-C", workspace.folder)

    assert told.code == 4
    assert "expected one of club, two, winter" in told.err


def test_few_leavers_leave_the_assumed_save_rate_and_say_so(modelled):
    content = done("campaigns", "learn", "winter", "-C", modelled.folder)
    found = load_response(modelled.response_file("winter"))

    assert content["source"] == "assumed"
    assert min(content["leavers"].values()) < FEWEST_LEAVERS
    assert found is not None
    assert found[0].source == "assumed"
    assert len(found[1]) > 100


def test_learning_needs_a_model_that_is_older_than_the_campaign(workspace):
    told = keepworth("campaigns", "learn", "winter", "-C", workspace.folder)

    assert told.code == 4
    assert "keepworth train --as-of 2023-07-01" in told.err


def test_learning_before_any_window_is_over_is_refused(modelled):
    told = keepworth("campaigns", "learn", "winter", "--months", 9, "-C", modelled.folder)

    assert told.code == 3
    assert "too early" in told.err


def test_an_arm_that_is_not_there_is_not_found(modelled):
    told = keepworth("campaigns", "learn", "winter", "--arm", "gold", "-C", modelled.folder)

    assert told.code == 4
    assert "expected one of treated" in told.err


def test_of_several_arms_one_must_be_named(modelled):
    told = keepworth("campaigns", "learn", "two", "-C", modelled.folder)

    assert told.code == 4
    assert "--arm is not given; expected one of gold, silver" in told.err


@pytest.mark.parametrize("arm", [(), ("--arm", "member")])
def test_there_is_nothing_to_learn_without_a_control_group(modelled, arm):
    told = keepworth("campaigns", "learn", "club", *arm, "-C", modelled.folder)

    assert told.code == 3
    assert "arms is member; expected control and an arm to compare with it" in told.err
