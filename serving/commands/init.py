"""`keepworth init`: a workspace to begin with."""

from pathlib import Path

from rich.console import Console

from features.mistakes import ConfigurationError, Mistake
from serving.commands.answer import Answer
from serving.workspaces.examples import set_up_example
from serving.workspaces.starter import set_up_workspace


def init_workspace(path: Path, example: str | None, data: Path | None) -> Answer:
    """Write a configuration to fill in, or an example that is ready to run."""
    if data is not None and example is None:
        expected = "--data goes with --example NAME"
        raise ConfigurationError(
            "there is nothing to copy", [Mistake("--data", str(data), expected)]
        )
    files = set_up_example(example, path, data) if example else set_up_workspace(path)

    def show(console: Console) -> None:
        for file in files:
            console.print(f"wrote {file}", soft_wrap=True)
        step = "run" if example else "fill in keepworth.toml, then run"
        console.print(f"Next: {step} `keepworth ingest -C {path}`", soft_wrap=True)

    return Answer({"workspace": str(path.resolve()), "files": [str(file) for file in files]}, show)
