"""`keepworth doctor`: is a workspace sound, part by part, and what is to be done if not."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from features.ingest.lock import WorkspaceBusyError, writing
from features.instants import datetime_of
from features.log import Log
from features.mistakes import MistakenError, NotFoundError
from serving.campaigns.candidates import Judge
from serving.commands.answer import OUR_FAULT, Answer
from serving.configuration import rulebook_of
from serving.store.draining import count_waiting, find_unfinished
from serving.store.keys import list_keys
from serving.store.serving_version import find_version, load_version
from serving.workspace import Workspace, open_workspace
from training.known import observed_bounds

State = Literal["sound", "look", "broken"]
_LEAST_ROOM_BYTES = 2_000_000_000
_LONGEST_DRAIN = timedelta(hours=1)
_STYLES = {"sound": "green", "look": "yellow", "broken": "bold red"}


@dataclass(frozen=True)
class Finding:
    """Say how one part is, and where it is not sound what to do."""

    part: str
    state: State
    found: str
    advice: str = ""


def examine(path: Path | None) -> Answer:
    """Look at every part of a workspace; nothing is changed. A broken part gives exit code 1."""
    workspace = open_workspace(path)
    findings = [
        finding for part, look in _PARTS.items() for finding in _found(part, look, workspace)
    ]
    is_broken = any(finding.state == "broken" for finding in findings)
    content = {"sound": not is_broken, "findings": [asdict(finding) for finding in findings]}
    return Answer(content, lambda console: _show(console, findings), OUR_FAULT if is_broken else 0)


def _found(part: str, look: "Look", workspace: Workspace) -> Iterator[Finding]:
    """Yield what a part says of itself; what it cannot even say is a finding too."""
    try:
        yield from look(workspace)
    except NotFoundError as error:
        yield Finding(part, "look", error.summary, error.mistakes[0].expected)
    except MistakenError as error:
        mistake = error.mistakes[0]
        yield Finding(part, "broken", f"{mistake.key} is {mistake.value}", mistake.expected)
    except (OSError, SQLAlchemyError) as error:
        yield Finding(part, "broken", " ".join(str(error).split()), "mend what it names")


def _show(console: Console, findings: list[Finding]) -> None:
    table = Table("part", "", "found", "what to do")
    for finding in findings:
        state = Text(finding.state, _STYLES[finding.state])
        table.add_row(finding.part, state, finding.found, finding.advice)
    console.print(table)


def _log(workspace: Workspace) -> Iterator[Finding]:
    log = workspace.log()
    files = [file for batch in log.batches for file in batch.files]
    bad = [file.path for file in files if not _is_as_written(log, file.path, file.sha256)]
    if bad:
        advice = (
            "restore state/log from a copy; nothing else holds posted events that were drained, "
            "nor who was erased"
        )
        shown = ", ".join(bad[:3])
        yield Finding("log", "broken", f"{len(bad):,} files missing or altered: {shown}", advice)
    elif not log.n_events:
        yield Finding("log", "look", "no events yet", "run `keepworth ingest`")
    else:
        first, last = log.span()
        said = f"{log.n_events:,} events from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
        yield Finding("log", "sound", f"{said}; {len(files):,} files are as written")
    if log.erased.digests:
        yield Finding("erased", "sound", f"{len(log.erased.digests):,} customers are kept out")


def _is_as_written(log: Log, path: str, sha256: str) -> bool:
    try:
        with (log.folder / path).open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _lock(workspace: Workspace) -> Iterator[Finding]:
    try:
        with writing(workspace.state):
            yield Finding("lock", "sound", "nobody is writing")
    except WorkspaceBusyError as error:
        yield Finding("lock", "look", str(error).partition(";")[0], "wait, or look at the process")


def _store(workspace: Workspace) -> Iterator[Finding]:
    store = workspace.store
    waiting = count_waiting(store)
    said = f"{store.backend} answers; {waiting:,} posted events wait for a drain"
    yield Finding("live store", "sound", said, "`keepworth drain`" if waiting else "")
    unfinished = find_unfinished(store)
    if unfinished and datetime.now(UTC) - unfinished.claimed_at > _LONGEST_DRAIN:
        said = f"a drain begun at {unfinished.claimed_at:%Y-%m-%d %H:%M} never ended"
        yield Finding("drain", "look", said, "`keepworth drain` ends it")


def _keys(workspace: Workspace) -> Iterator[Finding]:
    keys = list_keys(workspace.store)
    good = sum(key.revoked_at is None for key in keys)
    if keys:
        yield Finding("keys", "sound", f"{good:,} of {len(keys):,} keys open something")
    else:
        yield Finding("keys", "sound", "none was made: only this machine may call the service")


def _model(workspace: Workspace) -> Iterator[Finding]:
    version = find_version(workspace.store)
    bundle = load_version(workspace.store)
    trained, until = bundle.cutoff, bundle.cutoff
    if workspace.log().n_events:
        _, until = observed_bounds(workspace.log(), workspace.configuration.business)
    days = max(0, (until - trained) // 86_400_000_000)
    said = f"version {version.version} serves, as registered; trained until {_date(trained)}"
    yield Finding("model", "sound", f"{said}, {days:,} days before the end of observation")
    if bundle.business != workspace.configuration.business:
        said = "[business] has changed since the version was trained"
        yield Finding("business", "look", said, "`keepworth train` takes it over")


def _campaigns(workspace: Workspace) -> Iterator[Finding]:
    book = rulebook_of(workspace.configuration)
    if book.campaigns:
        bundle = load_version(workspace.store)
        Judge(book.campaigns, bundle, workspace.taught())
        said = f"{len(book.campaigns):,} can run with version {bundle.version}"
        yield Finding("campaigns", "sound", said)


def _registry(workspace: Workspace) -> Iterator[Finding]:
    from training.tracking import champion, embedded_store

    serving = find_version(workspace.store).version
    try:
        named = champion(embedded_store(workspace.folder))
    except Exception as error:  # noqa: BLE001 -- whatever MLflow's store raises, it is away
        said = (
            f"MLflow's registry does not answer ({type(error).__name__}); version {serving} serves"
        )
        yield Finding("registry", "look", said, "look at MLFLOW_TRACKING_URI, or at mlruns/")
        return
    if named == serving:
        yield Finding("registry", "sound", f"MLflow's champion is version {named}, which serves")
    else:
        said = f"MLflow's champion is {named or 'nobody'}, and version {serving} serves"
        advice = f"what serves is right; `keepworth promote {serving}` moves the alias to it"
        yield Finding("registry", "look", said, advice)


def _disk(workspace: Workspace) -> Iterator[Finding]:
    free = shutil.disk_usage(workspace.folder).free
    said = f"{free / 1e9:,.1f} GB free"
    if free < _LEAST_ROOM_BYTES:
        yield Finding("disk", "look", said, "make room: ingest and training write here")
    else:
        yield Finding("disk", "sound", said)


def _date(instant: int) -> str:
    return f"{datetime_of(instant):%Y-%m-%d}"


Look = Callable[[Workspace], Iterator[Finding]]
_PARTS: dict[str, Look] = {
    "log": _log,
    "lock": _lock,
    "live store": _store,
    "keys": _keys,
    "model": _model,
    "campaigns": _campaigns,
    "registry": _registry,
    "disk": _disk,
}
