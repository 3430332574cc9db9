"""A snapshot in the making: parts that are kept for the next run, and published together.

Parts lie in a hidden folder beside the one they will be, with the key of what they were made
from. A run with the same key goes on from those that are whole; a run with another one starts
over.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.asked import Inputs
from features.rules import CustomerRules
from features.slices import CUSTOMER_SIZE, SLICE_SIZE, Slice
from features.whole_files import sync, whole_file

Key = dict[str, Any]
KEY_FILE = "_key.json"
PARTS_FILE = "_parts.json"
"""Readers of a folder of Parquet pass over names that begin like this."""
_MADE_OF = b"made of"
"""Where the Parquet of a part says what it was made of."""


@dataclass(frozen=True)
class Building:
    """Name the folder that a snapshot will be in, and the key of what it is made from."""

    folder: Path
    key: Key

    @property
    def site(self) -> Path:
        """Where the parts lie until all are there."""
        return self.folder.with_name(f".{self.folder.name}.building")

    @property
    def is_published(self) -> bool:
        """Whether the folder holds this very snapshot, finished, and all of its parts."""
        if _key_in(self.folder) != self.key:
            return False
        with suppress(OSError, ValueError):
            return bool(json.loads((self.folder / PARTS_FILE).read_text()) == _sizes(self.folder))
        return False

    def begin(self) -> None:
        """Keep the parts that an unfinished run with the same key left; remove all else."""
        if _key_in(self.site) != self.key:
            shutil.rmtree(self.site, ignore_errors=True)
            self.site.mkdir(parents=True)
            with whole_file(self.site / KEY_FILE) as draft:
                draft.write_text(json.dumps(self.key, indent=1))
        for draft in self.site.glob(".*.draft"):
            draft.unlink()

    def write_part(self, slice_: Slice, table: pa.Table) -> None:
        """Write the customers of a slice whole: killed before its end, the part is not there."""
        marked = table.replace_schema_metadata({_MADE_OF: self._mark(slice_, table)})
        with whole_file(self._part(slice_.number)) as draft:
            pq.write_table(marked, draft, compression="zstd", write_page_checksum=True)

    def holds_part(self, slice_: Slice, columns: Sequence[str]) -> bool:
        """Whether the part of a slice is there, made of this key, and can be read to its end."""
        path = self._part(slice_.number)
        if not path.exists():
            return False
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                found = file.read()
        except (OSError, pa.ArrowException):
            return False
        mark = (found.schema.metadata or {}).get(_MADE_OF)
        return found.column_names == list(columns) and mark == self._mark(slice_, found)

    def remove_strays(self, n_parts: int) -> None:
        """Remove what is none of so many parts: whatever else lies there would be read as one."""
        named = {self.site / KEY_FILE, *(self._part(number) for number in range(n_parts))}
        for path in set(self.site.iterdir()) - named:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def publish(self) -> None:
        """Let the parts take the place of an earlier snapshot."""
        with whole_file(self.site / PARTS_FILE) as draft:
            draft.write_text(json.dumps(_sizes(self.site), indent=1))
        sync(self.site)
        self.clear()
        if self.folder.exists():
            self.folder.rename(self._earlier)
        self.site.rename(self.folder)
        sync(self.folder.parent)
        self.clear()

    def clear(self) -> None:
        """Remove the snapshot that this one took the place of, if a killed run left it."""
        shutil.rmtree(self._earlier, ignore_errors=True)

    def _part(self, number: int) -> Path:
        return self.site / f"features-{number:05d}.parquet"

    def _mark(self, slice_: Slice, table: pa.Table) -> bytes:
        """Return a digest of everything that a part is made of."""
        made_of = json.dumps([self.key, asdict(slice_), table.column_names, table.num_rows])
        return hashlib.sha256(made_of.encode()).hexdigest().encode()

    @property
    def _earlier(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.earlier")

    def abandon(self) -> None:
        """Remove the parts: they must not be gone on from."""
        shutil.rmtree(self.site, ignore_errors=True)


def _sizes(folder: Path) -> dict[str, int]:
    """Return the parts in a folder by name, with their size in bytes."""
    return {path.name: path.stat().st_size for path in sorted(folder.glob("*.parquet"))}


def publish_folder(made: Path, folder: Path, key: Key | None) -> None:
    """Let a whole folder of parts, made beside it by another engine, be the snapshot.

    Without a key it is never up to date: nobody knows what it was made from.
    """
    if key is not None:
        (made / KEY_FILE).write_text(json.dumps(key, indent=1))
    place = Building(folder, key or {})
    place.abandon()
    made.rename(place.site)
    place.publish()


def snapshot_key(inputs: Inputs, as_of: datetime) -> Key:
    """Return everything a snapshot is a function of: the log, what is asked, and our own code.

    Words, references and signals follow from these, so that they need not be looked up to see
    that nothing has changed.
    """
    return {
        "log": inputs.log.fingerprint,
        "as_of": as_of.isoformat(),
        "rules": inputs.rules.model_dump(mode="json", include=set(CustomerRules.model_fields)),
        "attributes": list(inputs.attributes),
        "slice_size": [SLICE_SIZE, CUSTOMER_SIZE],
        "engine": engine_digest(),
    }


@cache
def engine_digest() -> str:
    """Return a digest of the code that signals are computed by: other code, other numbers."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted([*package.glob("*.py"), *(package / "signals").glob("*.py")]):
        digest.update(f"{path.relative_to(package)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _key_in(folder: Path) -> Key | None:
    try:
        key = json.loads((folder / KEY_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None
    return key if isinstance(key, dict) else None
