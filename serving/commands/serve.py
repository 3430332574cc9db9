"""`keepworth serve`: the HTTP service."""

from pathlib import Path

from rich.console import Console

from serving.api.serve import serve
from serving.commands.answer import Answer
from serving.workspace import open_workspace


def serve_workspace(path: Path | None, host: str, port: int, workers: int) -> Answer:
    """Serve until stopped."""
    serve(open_workspace(path), host, port, workers)

    def show(console: Console) -> None:
        console.print("Stopped.")

    return Answer({"stopped": True}, show)
