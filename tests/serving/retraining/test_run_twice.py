"""The job from end to end, and once more: one version, one promotion, one decision."""

from pathlib import Path

from serving.workspace import open_workspace
from tests.serving.commands.terminal import done, keepworth
from tests.serving.retraining.test_job import require_one_of_everything


def test_run_twice_by_its_command_there_is_one_version_and_one_promotion(folder: Path) -> None:
    promoted = done("retrain", "-C", folder)
    assert (promoted["outcome"], promoted["version_before"]) == ("promoted", "1")
    assert all(gate["passed"] for gate in promoted["gates"])
    assert "customers of today" in Path(promoted["note"]).read_text("utf-8")
    moved = promoted["moved"]
    change = moved["customer_equity_now"] - moved["customer_equity_before"]
    assert abs(change - moved["by_new_data"] - moved["by_new_model"]) < 1e-6
    again = keepworth("retrain", "-C", folder, "--json")
    assert (again.code, again.json["outcome"]) == (11, "not due")
    require_one_of_everything(open_workspace(folder))
