"""The files of a source: found, of a known kind, and not empty."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

from features.ingest.quoting import literals
from features.mistakes import ConfigurationError, Mistake
from features.sources import Source

_READERS = {
    ".csv": (
        "read_csv([{files}], store_rejects = true, sample_size = 204800, "
        # DuckDB would guess whether 05/01 is January or May; what is not ISO stays text.
        "dateformat = '%Y-%m-%d', timestampformat = '%Y-%m-%d %H:%M:%S', "
        # A zoned type would read times without zone as UTC; as text each keeps what it says.
        "auto_type_candidates = "
        "['BOOLEAN', 'BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP', 'VARCHAR'])"
    ),
    ".parquet": "read_parquet([{files}], union_by_name = true)",
    ".jsonl": (
        "read_json([{files}], format = 'newline_delimited', sample_size = 204800, "
        "union_by_name = true)"
    ),
}
_SUFFIXES = {
    ".csv": ".csv",
    ".csv.gz": ".csv",
    ".parquet": ".parquet",
    ".jsonl": ".jsonl",
    ".jsonl.gz": ".jsonl",
    ".ndjson": ".jsonl",
    ".ndjson.gz": ".jsonl",
}


@dataclass(frozen=True)
class View:
    """Name a view that a SELECT may read, and the files behind it, all of one kind."""

    name: str
    paths: tuple[Path, ...]

    @property
    def reader(self) -> str:
        """The DuckDB table function that reads the files."""
        kind = _SUFFIXES[_suffix_of(self.paths[0])]
        return _READERS[kind].format(files=literals(map(str, self.paths)))


def views_of_all(sources: Sequence[Source], folder: Path) -> list[list[View]]:
    """Resolve the files of every source against the configuration's folder.

    Raises
    ------
    ConfigurationError
        If a file cannot be read, a name comes twice, or no source yields events; all at once.
    """
    names = [source.name for source in sources]
    repeated = sorted({name for name in names if names.count(name) > 1})
    mistakes = [
        Mistake("sources.name", f"{name!r} more than once", "give each source a name of its own")
        for name in repeated
    ]
    if not any(source.into == "events" for source in sources):
        mistakes.append(Mistake("sources", "without events", 'give one with into = "events"'))
    found = [_views_of(source, folder) for source in sources]
    mistakes += [mistake for _, wrong in found for mistake in wrong]
    if mistakes:
        raise ConfigurationError("The sources cannot be read as configured.", mistakes)
    return [views for views, _ in found]


def _views_of(source: Source, folder: Path) -> tuple[list[View], list[Mistake]]:
    """Return the views whose files can be read, and a mistake for every other entry."""
    views: list[View] = []
    mistakes: list[Mistake] = []
    for name, written in source.files.items():
        paths = _resolved(folder, written)
        key = f"sources[{source.name}].files.{name}"
        found = _mistakes_in(key, written, folder, paths)
        mistakes += found
        views += [] if found else [View(name, tuple(paths))]
    return views, mistakes


def _resolved(folder: Path, written: str) -> list[Path]:
    if Path(written).is_absolute():
        folder, written = Path("/"), written.lstrip("/")
    if not has_magic(written):
        return [(folder / written).resolve()]
    return sorted(path.resolve() for path in folder.glob(written))


def _mistakes_in(key: str, written: str, folder: Path, paths: Sequence[Path]) -> list[Mistake]:
    if not paths:
        value = f"{written!r}, which matches nothing in {folder.resolve()}"
        return [Mistake(key, value, "expected a path or a glob of existing files")]
    faults = [(path, _fault_of(path)) for path in paths]
    mistakes = [
        Mistake(key, f"{written!r} ({path}), which {fault[0]}", fault[1])
        for path, fault in faults
        if fault
    ]
    if not mistakes and len({_SUFFIXES[_suffix_of(path)] for path in paths}) > 1:
        return [Mistake(key, f"{written!r}, of several formats", "give files of one format")]
    return mistakes


def _fault_of(path: Path) -> tuple[str, str] | None:
    if not path.exists():
        return "does not exist", "expected a file; paths are relative to keepworth.toml"
    if path.is_dir():
        return "is a folder", f"expected a file, or a glob such as {path.name}/*.parquet"
    if not os.access(path, os.R_OK):
        return "may not be read", "expected a file that you have permission to read (chmod u+r)"
    if _suffix_of(path) not in _SUFFIXES:
        return "is of no known format", f"expected one of {', '.join(_SUFFIXES)}"
    if path.stat().st_size == 0:
        return "is empty (0 bytes)", "expected a file with rows"
    return None


def _suffix_of(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])
