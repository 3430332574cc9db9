"""One run after another: what an earlier one left must not decide for a later one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.retraining.job import Order, retrain
from serving.store.decisions import list_decisions
from serving.store.draining import count_waiting
from serving.store.promoting import list_promotions
from serving.store.recording import record_events
from serving.store.serving_version import find_version, known_versions, load_version
from serving.workspace import open_workspace
from tests.serving.commands.small_workspace import write_small_workspace
from tests.serving.commands.terminal import done, keepworth
from tests.serving.retraining.steady import COLUMNS, CONFIGURATION
from tests.serving.store.posted import SmallLog, event
from training.value_moves import clv_of
from valuation.equity import customer_equity

NOW = datetime(2024, 5, 2, tzinfo=UTC)
DRY = Order(is_dry=True)
pytestmark = pytest.mark.long


def add_setting(folder: Path, line: str) -> None:
    settings = folder / "keepworth.toml"
    settings.write_text(settings.read_text().replace("[retraining]", f"[retraining]\n{line}"))


def test_a_real_run_compares_with_what_serves_then_not_with_what_served_at_a_dry_one(
    folder: Path,
) -> None:
    workspace = open_workspace(folder)
    assert retrain(workspace, DRY, NOW).name == "promoted"
    done("train", "-C", folder, "--as-of", "2024-02-01")
    second = load_version(workspace.store, "2")
    then = clv_of(workspace.log(), second, second.cutoff)["clv"].to_numpy()

    answer = retrain(workspace, Order(), NOW).answer

    assert answer["version_before"] == "2"
    assert answer["moved"]["customer_equity_before"] == pytest.approx(customer_equity(then))


def test_data_that_was_fresh_at_a_dry_run_is_looked_at_again(folder: Path) -> None:
    add_setting(folder, "max_age_days = 7.0")
    workspace = open_workspace(folder)
    assert retrain(workspace, DRY, NOW).name == "promoted"

    late = retrain(workspace, Order(), NOW + timedelta(days=60))

    assert late.name == "data refused"
    closed = [gate["gate"] for gate in late.answer["data_gates"] if not gate["passed"]]
    assert closed == ["freshness"]


def test_a_dry_run_warns_of_posted_events_that_it_leaves_where_they_are(folder: Path) -> None:
    add_setting(folder, "max_age_days = 7.0")
    workspace = open_workspace(folder)
    record_events(workspace.store, [event(1)], SmallLog())

    late = retrain(workspace, DRY, NOW + timedelta(days=60))

    assert late.name == "data refused"
    [warning] = late.answer["warnings"]
    assert warning.startswith("1 posted event not drained yet")
    assert count_waiting(workspace.store) == 1


def test_force_after_a_refusal_says_what_it_does_and_keeps_the_reason(folder: Path) -> None:
    add_setting(folder, "model_megabytes = 1e-6")
    workspace = open_workspace(folder)
    assert retrain(workspace, Order(), NOW).name == "refused"
    changes = list_promotions(workspace.store)

    dry = retrain(workspace, Order(is_dry=True, is_forced=True, reason="why not"), NOW).answer

    assert (dry["dry_run"], dry["forced"], dry["forced_because"]) == (True, True, "why not")
    assert list_promotions(workspace.store) == changes
    real = retrain(workspace, Order(is_forced=True, reason="why not"), NOW).answer
    assert (real["dry_run"], real["forced"], real["forced_because"]) == (False, True, "why not")
    decided = list_decisions(workspace.store)[-1].answer
    assert (decided["forced"], decided["forced_because"]) == (True, "why not")
    assert find_version(workspace.store).version == "2"


def test_after_a_refusal_newer_data_alone_is_not_trained_on_for_some_days(folder: Path) -> None:
    add_setting(folder, "model_megabytes = 1e-6")
    workspace = open_workspace(folder)
    assert retrain(workspace, Order(), NOW).name == "refused"
    with (folder / "raw.csv").open("a") as raw:
        raw.write("c1,usage,2023-02-01T00:00:00Z,1,minutes\n")
    done("ingest", "-C", folder)

    soon = retrain(workspace, Order(), NOW + timedelta(days=6))

    assert soon.name == "not due"
    assert any(reason["is_due"] for reason in soon.answer["reasons"])
    assert soon.answer["reasons"][-1]["found"].startswith("version 2 was refused 6.0 days ago")
    assert known_versions(workspace.store) == {"1", "2"}
    assert retrain(workspace, DRY, NOW + timedelta(days=7)).name == "refused"
    add_setting(folder, "score_seconds = 2.0")
    assert retrain(open_workspace(folder), DRY, NOW + timedelta(days=1)).name == "refused"


def test_a_promotion_that_somebody_has_undone_is_not_told_as_done(folder: Path) -> None:
    workspace = open_workspace(folder)

    def die(what: str, _share: float) -> None:
        if what.startswith("telling the registry"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(workspace, Order(), NOW, die)
    assert done("rollback", "-C", folder)["model_version"] == "1"

    outcome = retrain(workspace, Order(), NOW)

    assert (outcome.name, outcome.answer["note"]) == ("not due", None)
    [reason] = outcome.answer["reasons"]
    assert reason["found"].endswith("version 2 was promoted, and version 1 serves")
    assert find_version(workspace.store).version == "1"
    assert all(decision.is_finished for decision in list_decisions(workspace.store))
    assert not list((workspace.state / "retraining").iterdir())


def test_what_new_rules_did_is_not_laid_on_the_new_model(folder: Path) -> None:
    settings = folder / "keepworth.toml"
    text = settings.read_text()
    settings.write_text(text.replace("gross_margin = 0.8", "gross_margin = 0.4"))

    told = keepworth("retrain", "-C", folder)

    assert told.code == 0
    assert "[business] has changed" in " ".join(told.out.split())
    assert "by the new model." not in told.out
    decided = list_decisions(open_workspace(folder).store)[-1].answer["moved"]
    assert decided["customer_equity_before"] is decided["by_new_model"] is None
    assert decided["customer_equity_now"] > 0
    [page] = folder.glob("reports/*/promotion-2.html")
    assert "[business] has changed since version 1" in page.read_text("utf-8")
    assert "By new model" not in page.read_text("utf-8")


def test_backtests_of_other_features_lie_in_folders_of_their_own(folder: Path) -> None:
    words = ("backtest", "-C", folder, "--months", "1", "--peer", "none")
    whole = done(*words)["folder"]
    with (folder / "keepworth.toml").open("a") as settings:
        settings.write('\n[features]\nleft_out = ["usage"]\n')
    blind = done(*words)["folder"]
    assert len({whole, blind}) == 2
    assert Path(whole).is_dir()


def test_a_young_business_gets_its_first_version_though_nothing_can_be_compared(
    tmp_path: Path,
) -> None:
    lines = []
    for number in range(300):
        begin, end = f"2024-0{1 + number % 3}-0{1 + number % 7}", f"2024-0{7 + number % 3}-15"
        lines.append(f"c{number},subscribe,{begin}T00:00:00Z,10,Basic")
        if number % 4 == 0:
            lines.append(f"c{number},cancel,{end}T00:00:00Z,,voluntary")
    configuration = CONFIGURATION.replace("2023-01-01", "2024-01-01")
    configuration = configuration.format(until="2024-09-28", settings="")
    write_small_workspace(tmp_path, configuration, COLUMNS, *lines)
    done("ingest", "-C", tmp_path)

    outcome = retrain(open_workspace(tmp_path), Order(), datetime(2024, 9, 29, tzinfo=UTC))

    assert outcome.name == "promoted"
    [comparison] = [gate for gate in outcome.answer["gates"] if gate["gate"] == "comparison"]
    assert "nothing can be compared" in comparison["found"]
