"""Files that are there as a whole or not at all, whenever the process may die."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a draft beside `path` to write; it takes the place of `path` once it is finished.

    A draft that was not finished is removed; one that a killed process left is written anew.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
