"""`keepworth monitor`: drift, what came of forecasts, freshness; as a page, as JSON, as metrics."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from features.whole_files import whole_file
from serving.commands.answer import Answer
from serving.report.wording import count_of
from serving.retraining.monitor_page import monitor_page
from serving.retraining.watching import Watched, watch
from serving.store.watching import record_findings
from serving.workspace import Workspace, open_workspace

_MOST_SHOWN = 5


def monitor_workspace(path: Path | None) -> Answer:
    """Look at what serves; write `reports/<as_of>/monitor.html` and `monitor.json`."""
    workspace = open_workspace(path)
    watched = watch(workspace, datetime.now(UTC))
    content = watched.as_row()
    files = _written(workspace, watched, content)
    record_findings(workspace.store, watched.now, content)
    return Answer(content | {"files": files}, lambda console: _show(console, watched, files))


def _written(workspace: Workspace, watched: Watched, content: dict[str, Any]) -> list[str]:
    folder = workspace.of_as_of("reports", watched.as_of)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "monitor.html": monitor_page(watched, workspace.folder.name),
        "monitor.json": json.dumps(content, indent=1, allow_nan=False) + "\n",
    }
    for name, text in texts.items():
        with whole_file(folder / name) as draft:
            draft.write_text(text, encoding="utf-8")
    return [str(folder / name) for name in texts]


def _show(console: Console, watched: Watched, files: list[str]) -> None:
    console.print(
        f"Model version {watched.version}, trained until {watched.trained_until:%Y-%m-%d}, as of "
        f"{watched.as_of:%Y-%m-%d}:",
        style="bold",
    )
    for each in watched.realised:
        console.print(
            f"  {count_of(each.months, 'month')} ahead: {each.predicted:,.1f} "
            f"{watched.exits_in_words} expected, "
            f"{each.came:,} came (p = {each.p_value:.3f})"
        )
    if watched.drift is None:
        console.print("  drift: the version has no reference; `keepworth train` makes one")
    else:
        console.print(
            f"  drift: {len(watched.drift.alarms)} of {watched.drift.n_signals} signals beyond "
            "chance"
        )
        for signal in watched.drift.alarms[:_MOST_SHOWN]:
            console.print(
                f"    {signal.name}: p = {signal.p_value:.2g}, {signal.equity_share:+.1%} of "
                "customer equity"
            )
    for gate in watched.data_gates:
        if not gate.passed:
            console.print(f"  data, {gate.name}: {gate.found}; {gate.way_out}")
    console.print(
        f"  data: the newest event is {watched.age_days:,.1f} days old, "
        f"{watched.waiting_events:,} posted events wait for a drain"
    )
    for file in files:
        console.print(f"wrote {file}", soft_wrap=True)
