"""`keepworth campaigns report`: what a campaign brought, in figures, words and a page."""

import json
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from features.instants import datetime_of, instant_of
from features.mistakes import InputRefusedError, Mistake
from features.whole_files import whole_file
from serving.commands.answer import Answer
from serving.commands.assigned import assigned
from serving.commands.campaign_figures import figures_of
from serving.commands.campaign_words import show_measurement
from serving.commands.instants import as_of_or_default
from serving.commands.programme_report import report_programme
from serving.commands.progress import progress_bar
from serving.report.campaign import render_campaign
from serving.store.frozen_versions import frozen_bundle
from serving.workspace import Workspace, name_of_file, open_workspace
from training.experiments.assignments import MEMBER, Assignments
from training.experiments.effects import Measurement, measured
from training.experiments.outcomes import Measure, outcomes_of


def report(
    path: Path | None, name: str, months: int, control_share: float | None, as_of: str | None
) -> Answer:
    """Measure a campaign as of an instant; write `reports/campaigns/NAME.html`.

    Of those assigned here the promised share of the control group is known, customer by customer;
    `control_share` is that of those assigned elsewhere.
    """
    workspace = open_workspace(path)
    moment = as_of_or_default(workspace, as_of)
    assignments = assigned(workspace, name, moment, control_share)
    if MEMBER in assignments.arms and not assignments.is_randomised:
        return report_programme(workspace, assignments, months, moment)
    if not assignments.is_randomised:
        raise _without_control(assignments)
    measure = _measure(workspace, assignments, months, moment)
    with progress_bar() as tell:
        tell("following the customers assigned", 0.1)
        outcomes = outcomes_of(workspace.log(), assignments, measure)
        found = measured(assignments, outcomes, measure)
    return _answer(workspace, found)


def _measure(
    workspace: Workspace, assignments: Assignments, months: int, as_of: datetime
) -> Measure:
    began_at = int(assignments.at.min())
    bundle = frozen_bundle(workspace.store, assignments.campaign, began_at, datetime.now(UTC))
    business = workspace.configuration.business if bundle is None else bundle.business
    return Measure(months, instant_of(as_of), business, bundle)


def _answer(workspace: Workspace, found: Measurement) -> Answer:
    page = (
        workspace.folder
        / "reports"
        / "campaigns"
        / f"{name_of_file(found.assignments.campaign)}.html"
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(page) as draft:
        draft.write_text(render_campaign(found, workspace.folder.name), encoding="utf-8")
    figures = figures_of(found)
    # What the service answers of the campaign.
    with whole_file(page.with_suffix(".json")) as draft:
        draft.write_text(json.dumps(figures, allow_nan=False), encoding="utf-8")

    def show(console: Console) -> None:
        show_measurement(console, found)
        console.print(f"wrote {page}", soft_wrap=True)

    return Answer(figures | {"report": str(page)}, show)


def _without_control(assignments: Assignments) -> InputRefusedError:
    arms = ", ".join(assignments.arms)
    began = datetime_of(int(assignments.at.min()))
    expected = (
        f"expected assignments labelled `{assignments.campaign}/control` from {began:%Y-%m-%d} on; "
        f"for a programme that nobody randomised label those who joined "
        f"`{assignments.campaign}/{MEMBER}`"
    )
    mistake = Mistake("arms", arms, expected)
    return InputRefusedError("there is no control group to compare with", [mistake])
