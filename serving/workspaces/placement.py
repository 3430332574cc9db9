"""Put new files into a folder without ever replacing one."""

from collections.abc import Iterable
from pathlib import Path

from features.mistakes import ConfigurationError, Mistake
from serving.configuration import FILE_NAME


def make_folder(folder: Path) -> None:
    """Make a folder for a workspace that does not exist yet.

    Raises
    ------
    ConfigurationError
        If a file stands in its place, or it holds a configuration already.
    """
    if folder.exists() and not folder.is_dir():
        mistake = Mistake("PATH", f"{folder}, which is a file", "give a folder, new or existing")
        raise ConfigurationError("No workspace can be set up here.", [mistake])
    refuse_to_overwrite([folder / FILE_NAME])
    folder.mkdir(parents=True, exist_ok=True)


def refuse_to_overwrite(files: Iterable[Path]) -> None:
    """Let nothing pass that would replace a file.

    Raises
    ------
    ConfigurationError
        If any of the files exists; all that do are named.
    """
    mistakes = [
        Mistake("PATH", f"where {file} exists already", "choose another folder, or move the file")
        for file in files
        if file.exists()
    ]
    if mistakes:
        raise ConfigurationError("Nothing was written, so that nothing is overwritten.", mistakes)


def move_in(staged: Path, folder: Path) -> list[Path]:
    """Move all files below `staged` to the same places below `folder`, the configuration last.

    A workspace that was cut off while it was set up therefore has no configuration. Returns the
    new files, sorted.

    Raises
    ------
    ConfigurationError
        If any of them exists in `folder` already; none is moved then.
    """
    names = sorted(file.relative_to(staged) for file in staged.rglob("*") if file.is_file())
    refuse_to_overwrite(folder / name for name in names)
    for name in sorted(names, key=lambda name: name == Path(FILE_NAME)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (staged / name).rename(folder / name)
    return [folder / name for name in names]
