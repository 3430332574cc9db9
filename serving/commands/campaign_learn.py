"""`keepworth campaigns learn`: let measured outcomes replace a campaign's assumed save rate."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from features.ingest.lock import writing
from features.instants import instant_of
from features.mistakes import InputRefusedError, Mistake, NotFoundError
from serving.commands.answer import Answer
from serving.commands.assigned import assigned
from serving.commands.instants import as_of_or_default
from serving.commands.progress import progress_bar
from serving.store.frozen_versions import required_frozen_bundle
from serving.workspace import Workspace, open_workspace
from training.exit_kinds import WITHIN_MONTHS
from training.experiments.assignments import CONTROL, Assignments
from training.experiments.outcomes import Measure
from training.uplift.judging import Learned
from training.uplift.lessons import CampaignLesson, lesson_of
from training.uplift.response_files import Origin, save_response
from training.uplift.responses import FEWEST_LEAVERS, CampaignResponse, response_from

_SEED = 0
_SAID = {
    "assumed": f"an arm has fewer than {FEWEST_LEAVERS} leavers; the assumed save rate stays.",
    "measured": "one measured save rate for everybody; nobody is known to differ.",
    "learned": "a save rate of their own for every customer, learned from outcomes.",
}


def learn_campaign(
    path: Path | None, name: str, arm: str | None, months: int | None, as_of: str | None
) -> Answer:
    """Judge learners on a campaign's finished windows; keep what may replace the assumption."""
    workspace = open_workspace(path)
    months = months or _window_of(name, workspace)
    moment = as_of_or_default(workspace, as_of)
    assignments = assigned(workspace, name, moment)
    chosen = _chosen_arm(assignments, arm)
    began_at = int(assignments.at.min())
    bundle = required_frozen_bundle(
        workspace.store, assignments.campaign, began_at, datetime.now(UTC)
    )
    measure = Measure(months, instant_of(moment), bundle.business, bundle)
    with writing(workspace.state), progress_bar() as tell:
        tell("reading what came of those assigned", 0.1)
        lesson = lesson_of(workspace.log(), assignments, chosen, measure, bundle)
        _require_both_arms(lesson, months)
        tell("fitting and judging learners", 0.4)
        response, learned = response_from(lesson.lesson, lesson.left_voluntarily, _SEED)
        file, names = workspace.response_file(name), [each.name for each in lesson.signals]
        save_response(response, names, Origin(chosen, months), file)
    content = _content(name, response, lesson, learned) | {"arm": chosen, "months": months}
    if learned is not None:
        _track(workspace, content, file)
    return Answer(content, lambda console: _show(console, content))


def _window_of(name: str, workspace: Workspace) -> int:
    windows = {each.name: each.window_months for each in workspace.configuration.campaigns}
    return windows.get(name, WITHIN_MONTHS)


def _content(
    name: str, response: CampaignResponse, lesson: CampaignLesson, learned: Learned | None
) -> dict[str, Any]:
    left, measured = lesson.left, response.measured
    saved = None
    if measured is not None:
        saved = _ends(measured.effect, measured.low, measured.high)
    return {
        "campaign": name,
        "source": response.source,
        "customers": {"treated": len(left.treated), "control": len(left.control)},
        "leavers": {"treated": int(left.treated.sum()), "control": int(left.control.sum())},
        "voluntary_leavers": _voluntary_leavers(lesson),
        "saved_share": saved,
        "learner": None if learned is None else learned.name,
        "learners": [] if learned is None else list(_figures(learned)),
    }


def _voluntary_leavers(lesson: CampaignLesson) -> dict[str, float] | None:
    """Return how many left voluntarily, unlabelled exits shared out; None where kinds lack."""
    if not lesson.knows_kinds:
        return None
    treated, control = lesson.left_voluntarily
    return {"treated": float(treated.sum()), "control": float(control.sum())}


def _figures(learned: Learned) -> Iterator[dict[str, Any]]:
    for name, figures in learned.figures.items():
        standing = figures.standing
        yield {
            "learner": name,
            "loss": figures.loss,
            "loss_error": figures.loss_error,
            "autoc": _ends(*standing.autoc),
            "qini": _ends(*standing.qini),
            "gains": {f"{share:.0%}": _ends(*gain) for share, gain in standing.gains.items()},
            "slope": figures.calibration.slope,
        }


def _ends(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def _track(workspace: Workspace, content: dict[str, Any], file: Path) -> None:
    from training.tracking import embedded_store, log_uplift

    parameters = {
        name: content[name] for name in ("campaign", "source", "learner", "arm", "months")
    }
    metrics = {
        f"{each['learner']}.{figure}.{end}": value
        for each in content["learners"]
        for figure in ("autoc", "qini")
        for end, value in each[figure].items()
    }
    metrics |= {f"{each['learner']}.loss": each["loss"] for each in content["learners"]}
    log_uplift(embedded_store(workspace.folder), content["campaign"], parameters, metrics, file)


def _show(console: Console, content: dict[str, Any]) -> None:
    leavers, customers = content["leavers"], content["customers"]
    console.print(f"Campaign {content['campaign']}: {_SAID[content['source']]}", style="bold")
    console.print(
        f"{leavers['treated']:,} of {customers['treated']:,} {content['arm']} left within "
        f"{content['months']} months, {leavers['control']:,} of {customers['control']:,} control."
    )
    if (of_kind := content["voluntary_leavers"]) is not None:
        console.print(
            f"Voluntarily: {of_kind['treated']:,.0f} and {of_kind['control']:,.0f}. Those are whom "
            "an offer may keep."
        )
    if content["saved_share"] is not None:
        saved = content["saved_share"]
        console.print(
            f"Would-be leavers saved: {saved['value']:.0%} (95% interval {saved['low']:.0%} to "
            f"{saved['high']:.0%})."
        )
    if content["learners"]:
        console.print(_table(content["learners"]))


def _table(learners: list[dict[str, Any]]) -> Table:
    table = Table("learner", "AUTOC", "Qini", "gain from the first 20%", "loss over the mean's")
    for each in learners:
        figures = (each["autoc"], each["qini"], each["gains"]["20%"])
        said = (f"{f['value']:+.4f} ({f['low']:+.4f} to {f['high']:+.4f})" for f in figures)
        table.add_row(each["learner"], *said, f"{each['loss']:+.5f} (SE {each['loss_error']:.5f})")
    return table


def _chosen_arm(assignments: Assignments, arm: str | None) -> str:
    arms = assignments.arms
    if not arms or not assignments.is_randomised:
        expected = f"expected {CONTROL} and an arm to compare with it"
        mistake = Mistake("arms", ", ".join(arms) or CONTROL, expected)
        raise InputRefusedError("there is no experiment to learn from", [mistake])
    if arm is None and len(arms) == 1:
        return arms[0]
    if arm in arms:
        return arm
    value = "not given" if arm is None else repr(arm)
    mistake = Mistake("--arm", value, f"expected one of {', '.join(arms)}")
    raise NotFoundError("it must be clear which arm to learn from", [mistake])


def _require_both_arms(lesson: CampaignLesson, months: int) -> None:
    left = lesson.left
    if min(len(left.treated), len(left.control)) == 0:
        expected = f"wait until windows of {months} months are over in both arms, or give fewer"
        mistake = Mistake("--months", str(months), expected)
        raise InputRefusedError("too early: there are no outcomes to learn from", [mistake])
