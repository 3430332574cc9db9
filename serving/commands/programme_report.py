"""`keepworth campaigns report` on a programme that nobody randomised: in figures, words, a page."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from features.instants import datetime_of, instant_of
from features.whole_files import whole_file
from serving.commands.answer import Answer
from serving.commands.progress import progress_bar
from serving.report.programme import render_programme
from serving.store.frozen_versions import required_frozen_bundle
from serving.workspace import Workspace, name_of_file
from training.experiments.assignments import Assignments
from training.experiments.outcomes import Measure
from training.experiments.programme import ProgrammeMeasurement, measured_programme
from training.experiments.programme_warnings import programme_warnings
from valuation.doubly_robust import MembersEffect

_SEED = 0
_MOST_SHOWN = 10
_UNITS = {"retention": "points", "margin": "", "clv": ""}


def report_programme(
    workspace: Workspace, assignments: Assignments, months: int, as_of: datetime
) -> Answer:
    """Compare members with customers like them; write `reports/campaigns/NAME.html`."""
    began_at = int(assignments.at.min())
    bundle = required_frozen_bundle(
        workspace.store, assignments.campaign, began_at, datetime.now(UTC)
    )
    measure = Measure(months, instant_of(as_of), bundle.business, bundle)
    with progress_bar() as tell:
        tell("comparing members with customers like them", 0.2)
        found = measured_programme(workspace.log(), assignments, measure, bundle, _SEED)
    page = workspace.folder / "reports" / "campaigns" / f"{name_of_file(assignments.campaign)}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(page) as draft:
        draft.write_text(render_programme(found, workspace.folder.name), encoding="utf-8")

    def show(console: Console) -> None:
        _show(console, found)
        console.print(f"wrote {page}", soft_wrap=True)

    return Answer(_figures(found) | {"report": str(page)}, show)


def _figures(found: ProgrammeMeasurement) -> dict[str, Any]:
    return {
        "campaign": found.assignments.campaign,
        "design": "observational",
        "status": "measured",
        "as_of": datetime_of(found.measure.observed_until).isoformat(),
        "months": found.measure.months,
        "currency": found.measure.business.currency,
        "model_version": None if found.measure.bundle is None else found.measure.bundle.version,
        "members": found.n_members,
        "followed": found.n_followed,
        "compared": found.n_compared,
        "joined_later": {
            "customers": found.n_joined_later,
            "share_of_window_as_member": found.as_member,
        },
        "effects": {name: effect._asdict() for name, effect in found.effects.items()},
        "balance": [
            {"covariate": name, "before": float(before), "after": float(after)}
            for name, before, after in zip(found.names, *found.balance, strict=True)
        ],
        "overlap": found.overlap._asdict(),
        "warnings": list(programme_warnings(found)),
    }


def _show(console: Console, found: ProgrammeMeasurement) -> None:
    console.print(
        f"Programme {found.assignments.campaign}, {found.measure.months} months after joining: "
        f"{found.n_compared:,} of {found.n_members:,} members compared with "
        f"{found.overlap.n_comparisons:,} customers.",
        style="bold",
    )
    for warning in programme_warnings(found):
        console.print(f"! {warning}")
    table = Table("a member", "effect", "95% interval", "naive difference")
    for name, effect in found.effects.items():
        table.add_row(name, *_said(effect, 100.0 if name == "retention" else 1.0))
    console.print(table)
    console.print(_balance(found))


def _said(effect: MembersEffect, scale: float) -> tuple[str, str, str]:
    value, low, high, naive = (
        f"{scale * figure:+,.2f}"
        for figure in (effect.effect, effect.low, effect.high, effect.naive)
    )
    return value, f"{low} to {high}", naive


def _balance(found: ProgrammeMeasurement) -> Table:
    table = Table("members differ most in", "before", "after weighting")
    for row in np.argsort(-np.abs(found.balance.before))[:_MOST_SHOWN]:
        before, after = found.balance.before[row], found.balance.after[row]
        table.add_row(found.names[row], f"{before:+.2f}", f"{after:+.2f}")
    return table
