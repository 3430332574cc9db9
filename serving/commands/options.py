"""Options that commands share, and how a command ends."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from serving.commands.answer import Answer

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "-C",
        "--workspace",
        help="Folder with keepworth.toml; by default the nearest one upwards from here.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON object on standard output.")
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        help="Instant of knowledge, as 2024-06-01 (00:00 UTC) or 2024-06-01T12:00:00Z; by default "
        "the end of observation. Nothing visible at or after it is read."
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        help="Processes that share the work; by default one a core, or none beside this one where "
        "little is to do.",
        min=1,
        max=256,
    ),
]
EngineOption = Annotated[
    Literal["local", "spark"],
    typer.Option(help="What computes: this machine, or the Spark that [spark] configures."),
]


def finish(work: "Callable[[], Answer]", as_json: bool) -> None:
    """Do the work, print its answer, and end with its exit code."""
    from serving.commands.answer import give

    raise typer.Exit(give(work, as_json=as_json))
