"""A workspace to begin with: one commented configuration, which its owner edits."""

from importlib.resources import files
from pathlib import Path

from serving.configuration import FILE_NAME
from serving.workspaces.placement import make_folder


def set_up_workspace(path: Path) -> list[Path]:
    """Write a minimal `keepworth.toml` to a folder, made if need be; return what was written.

    Raises
    ------
    ConfigurationError
        If the folder has a `keepworth.toml`, or is a file.
    """
    make_folder(path)
    template = files("serving.workspaces").joinpath(f"{FILE_NAME}.template")
    (path / FILE_NAME).write_text(template.read_text("utf-8"), "utf-8")
    return [path / FILE_NAME]
