"""`keepworth monitor`: figures that can be recomputed, a page that asks for nothing, metrics."""

import json
import re
from pathlib import Path

import pytest

from features.instants import instant_of
from serving.store.serving_version import load_version
from serving.workspace import open_workspace
from tests.serving.api.calls import calling
from tests.serving.commands.small_workspace import HEADER, with_setting, write_small_workspace
from tests.serving.commands.terminal import done, keepworth
from tests.serving.retraining.steady import months_later
from training.backtest import judged_at
from training.backtest_plan import PRODUCT, BacktestPlan

pytestmark = pytest.mark.long


def test_what_came_of_forecasts_is_what_a_backtest_of_the_version_finds(folder: Path) -> None:
    answer = done("monitor", "-C", folder)
    first, latest = answer["realised"]
    workspace = open_workspace(folder)
    cutoff, until = instant_of(months_later(14)), instant_of(months_later(16))
    plan = BacktestPlan((cutoff,), (2,), until)
    bundle = load_version(workspace.store)
    rows = judged_at(bundle, workspace.log(), cutoff, plan).predictions
    own = rows[rows["model"] == PRODUCT]
    assert first["months"] == 2
    assert first["exits_predicted"] == pytest.approx(own["churn_probability"].sum())
    assert first["exits_came"] == own["churned"].sum()
    assert (latest["months"], latest["cutoff"][:10]) == (1, "2024-04-01")


def test_a_steady_business_does_not_drift_and_one_that_uses_twice_as_much_does(
    folder: Path,
) -> None:
    assert done("monitor", "-C", folder)["drift"]["n_alarms"] == 0
    raw = folder / "raw.csv"
    text = raw.read_text()
    late = re.sub(
        r"(usage,2024-0[34]-\d\dT[\d:]+Z),([\d.]+)",
        lambda found: f"{found[1]},{3 * float(found[2]):.3f}",
        text,
    )
    assert late != text
    other = folder.parent / "other"
    other.mkdir()
    (other / "keepworth.toml").write_text((folder / "keepworth.toml").read_text())
    (other / "raw.csv").write_text(late)
    done("ingest", "-C", other)
    done("train", "-C", other, "--as-of", "2024-03-01")
    drift = done("monitor", "-C", other)["drift"]
    alarms = {row["name"] for row in drift["signals"] if row["is_alarm"]}
    assert {"minutes_30d", "minutes_7d"} & alarms
    assert drift["signals"][0]["p_value"] < 0.001


def test_the_page_names_nobody_and_asks_nothing_of_the_network(folder: Path) -> None:
    answer = done("monitor", "-C", folder)
    page, figures = (Path(file) for file in answer["files"])
    text = page.read_text("utf-8")
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert not re.search(r"(?:src|href)=[\"']?https?:", text)
    assert not re.search(r"\bc\d{1,3}\b", text)
    assert json.loads(figures.read_text())["realised"] == answer["realised"]
    assert "days old" in keepworth("monitor", "-C", folder).out


def test_metrics_tell_the_newest_monitoring_on_every_worker(folder: Path) -> None:
    with calling(open_workspace(folder)) as one, calling(open_workspace(folder)) as other:
        assert "keepworth_drift_alarms" not in one.get("/metrics").text
        answer = done("monitor", "-C", folder)
        for worker in (one, other):
            text = worker.get("/metrics").text
            assert 'keepworth_drift_alarms{version="1"} 0.0' in text
            ratio = answer["realised"][0]["exits_predicted"] / answer["realised"][0]["exits_came"]
            assert f'keepworth_realised_exits_ratio{{version="1"}} {ratio}' in text


def test_without_a_version_there_is_nothing_to_watch(tmp_path: Path, folder: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("keepworth.toml", "raw.csv"):
        (bare / name).write_text((folder / name).read_text())
    assert keepworth("monitor", "-C", bare).code == 4


def test_where_everybody_is_gone_monitoring_says_so(tmp_path: Path) -> None:
    lines = [HEADER]
    for number in range(120):
        lines.append(f"c{number},subscribe,2024-0{1 + number % 6}-01T00:00:00Z,10,Basic")
        lines.append(f"c{number},cancel,2024-{7 + number % 4:02d}-15T00:00:00Z,,voluntary")
    until = with_setting("observed_until = 2025-02-01")
    write_small_workspace(tmp_path, until, *lines)
    done("ingest", "-C", tmp_path)
    done("train", "-C", tmp_path, "--as-of", "2024-09-01")

    watched = done("monitor", "-C", tmp_path)

    assert watched["drift"]["n_now"] == watched["drift"]["n_alarms"] == 0
    assert watched["realised"][0]["exits_came"] > 0
