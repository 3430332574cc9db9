"""What serves now: the model version and the log, looked at again whenever either has changed."""

import logging
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
from sqlalchemy.exc import SQLAlchemyError

from features.log import EVENT_SCHEMA, Log, bucket_of
from serving.store.serving_version import find_version, load_version
from serving.workspace import Workspace
from training.bundle import Bundle
from training.business import Business
from training.known import observed_bounds

logger = logging.getLogger("keepworth.api")


@dataclass(frozen=True)
class Tables:
    """Hold the events of some customers, and what is known of them beside, as in the log."""

    events: pa.Table
    customers: pa.Table | None


@dataclass(frozen=True)
class KnownLog:
    """Hold a view of the log, with what every call would otherwise read again."""

    log: Log
    business: Business

    @cached_property
    def observed_until(self) -> int:
        """Until when outcomes are complete, in microseconds; where scores by id stand."""
        return observed_bounds(self.log, self.business)[1]

    @cached_property
    def customers(self) -> pa.Table:
        """The customers table."""
        return self.log.read_customers()

    @cached_property
    def listed(self) -> frozenset[str]:
        """Ids in the customers table, with events or without."""
        return frozenset(self.customers.column("customer_id").to_pylist())

    def tables_of(self, customer_ids: list[str]) -> Tables:
        """Read the events of these customers alone; those without events are not in it."""
        by_bucket: dict[int, list[str]] = {}
        if self.log.n_events:
            for customer_id in customer_ids:
                bucket = bucket_of(customer_id, self.log.n_buckets)
                by_bucket.setdefault(bucket, []).append(customer_id)
        events = [self.log.read_events(bucket, None, ids) for bucket, ids in by_bucket.items()]
        return Tables(pa.concat_tables([EVENT_SCHEMA.empty_table(), *events]), self.customers)


@dataclass(frozen=True)
class Serving:
    """Hold the bundle that answers; `is_degraded` where it is no longer the one to serve."""

    bundle: Bundle
    is_degraded: bool = False


class Current:
    """Keep what serves; one thread at a time."""

    def __init__(self, workspace: Workspace) -> None:
        """Load the version that serves.

        Raises
        ------
        NotFoundError
            If none does.
        AlteredModelError
            If its files are not those that were registered.
        """
        self.workspace = workspace
        self._version = find_version(workspace.store)
        self._complaint = ""
        self._bundle = load_version(workspace.store, self._version.version)
        self._log_signature = self._signature()
        self._log = self._opened_log()

    def serving(self) -> Serving:
        """Return what serves now; what cannot be loaded leaves the last good version serving."""
        try:
            version = find_version(self.workspace.store)
            if version != self._version:
                self._bundle = load_version(self.workspace.store, version.version)
                self._version = version
        except (SQLAlchemyError, OSError, ValueError) as error:
            self._complain(error)
            return Serving(self._bundle, is_degraded=True)
        return Serving(self._bundle)

    def _complain(self, error: Exception) -> None:
        """Say why the last good version goes on, once for each reason."""
        if str(error) != self._complaint:
            self._complaint = str(error)
            logger.warning("Version %s goes on serving: %s", self._bundle.version, error)

    def log(self) -> KnownLog:
        """Return the log as its manifest stands now."""
        signature = self._signature()
        if signature != self._log_signature:
            self._log, self._log_signature = self._opened_log(), signature
        return self._log

    def _opened_log(self) -> KnownLog:
        return KnownLog(self.workspace.log(), self.workspace.configuration.business)

    def _signature(self) -> tuple[int, int, int] | None:
        """Tell manifests apart: every writing renames a new file into place."""
        try:
            found = (self.workspace.state / "log" / "manifest.json").stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
