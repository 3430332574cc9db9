"""The salt of a log: made once, before the first digest of a customer's id is kept."""

from dataclasses import replace
from pathlib import Path

from features.erasure import Erased
from features.ingest.batch import commit_manifest
from features.ingest.lock import writing
from features.log import Log


def salted(state: Path) -> Erased:
    """Return the salt of a log, with who was erased; a log without one gets one.

    Raises
    ------
    WorkspaceBusyError
        If the log has none yet, and another process holds the workspace.
    """
    found = Log.open(state).erased
    if found.salt:
        return found
    with writing(state):
        log = Log.open(state)
        if not log.erased.salt:
            log.folder.mkdir(parents=True, exist_ok=True)
            log = replace(log, erased=log.erased.with_customers(()))
            commit_manifest(log)
        return log.erased
