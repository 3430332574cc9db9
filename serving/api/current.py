"""What serves now: the model version, the log, and what was posted since; looked at anew."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.exc import SQLAlchemyError

from features.history import History, history_from_events
from features.ingest.checks import event_checks
from features.rules import CustomerRules
from serving.campaigns.listening import Listening
from serving.campaigns.taught import TaughtNow
from serving.configuration import rulebook_of
from serving.limits import Limits
from serving.store.customer_events import CustomerEvents
from serving.store.database import LiveStore
from serving.store.live_events import live_history
from serving.store.logged_events import CurrentLog
from serving.store.serving_version import find_version, load_version
from serving.workspace import Workspace
from training.bundle import Bundle
from training.business import Business
from training.known import bounds_of_span

Clock = Callable[[], int]
logger = logging.getLogger("keepworth.api")


def now() -> int:
    """Return the instant of now, in UTC microseconds."""
    return time.time_ns() // 1000


class Events(Protocol):
    """Hold the events of some customers."""

    @property
    def customer_ids(self) -> frozenset[str]:
        """Of whom there are events."""

    @property
    def table(self) -> pa.Table:
        """The events in the columns of the log."""

    def history(self, rules: CustomerRules) -> History:
        """Return the history that they make."""


@dataclass(frozen=True)
class EventTable:
    """Hold events as a table in the columns of the log."""

    table: pa.Table

    @cached_property
    def customer_ids(self) -> frozenset[str]:
        """Of whom there are events."""
        return frozenset(pc.unique(self.table.column("customer_id")).to_pylist())

    def history(self, rules: CustomerRules) -> History:
        """Return the history that they make."""
        return history_from_events(self.table, rules.minor_units, usage_scale=rules.usage_scale)


@dataclass(frozen=True)
class Tables:
    """Hold the events of some customers, and what is known of them beside, as in the log."""

    known: Events
    customers: pa.Table | None

    @property
    def events(self) -> pa.Table:
        """The events in the columns of the log."""
        return self.known.table


class KnownCustomers:
    """Answer one call from the log and from what was posted since."""

    def __init__(self, log: CurrentLog, store: LiveStore, business: Business) -> None:
        self._current, self._store, self._business = log, store, business
        self._latest_instant = 0
        self._log = log.now()

    def tables_of(self, customer_ids: list[str]) -> Tables:
        """Read the events of these customers alone, each once; some may have none."""
        live = live_history(self._store, customer_ids)
        # In this order: what a drain takes from the live store is in the log by then.
        self._log, self._latest_instant = self._current.now(), live.latest_instant
        known = CustomerEvents(self._log, live.rows, customer_ids)
        return Tables(known, self._log.profiles_of(customer_ids))

    @property
    def observed_until(self) -> int:
        """Until when outcomes are complete, in microseconds, or just after the last event posted.

        Scores by id stand at the later of the two.
        """
        if not self._log.log.n_events:
            return self._latest_instant + 1
        _, until = bounds_of_span(self._log.span, self._business)
        return max(until, self._latest_instant + 1)

    def lists(self, customer_id: str) -> bool:
        """Return whether the customers table has a customer, with events or without."""
        return self._log.lists(customer_id)


@dataclass(frozen=True)
class Serving:
    """Hold the bundle that answers; `is_degraded` where it is no longer the one to serve."""

    bundle: Bundle
    is_degraded: bool = False


class Current:
    """Keep what serves; any thread may ask."""

    def __init__(self, workspace: Workspace, clock: Clock = now) -> None:
        """Load the version that serves; `clock` says when an event is received.

        Raises
        ------
        NotFoundError
            If none does.
        AlteredModelError
            If its files are not those that were registered.
        ConfigurationError, InputRefusedError
            If campaigns that wait for events cannot run with that version.
        """
        self.workspace, self.clock = workspace, clock
        self._version = find_version(workspace.store)
        self._complaint = ""
        self._following = Lock()
        self.is_degraded = False
        self._bundle = load_version(workspace.store, self._version.version)
        self.log = CurrentLog(workspace.state)
        self.event_checks = event_checks(workspace.configuration.business.usage_scale)
        self.listening = Listening(
            rulebook_of(workspace.configuration), TaughtNow(workspace.response_files())
        )
        self.listening.require_fit(self._bundle)

    @property
    def limits(self) -> Limits:
        """How much a call may ask for."""
        return self.workspace.configuration.service

    def serving(self) -> Serving:
        """Return what serves now; what cannot be loaded leaves the last good version serving."""
        with self._following:
            try:
                self._follow()
            except (SQLAlchemyError, OSError, ValueError) as error:
                self._complain(error)
                self.is_degraded = True
            else:
                self.is_degraded = False
            return Serving(self._bundle, self.is_degraded)

    def _follow(self) -> None:
        """Load the version that is to serve, if it is another."""
        version = find_version(self.workspace.store)
        if version != self._version:
            self._bundle = load_version(self.workspace.store, version.version)
            self._version = version

    def _complain(self, error: Exception) -> None:
        """Say why the last good version goes on, once for each reason."""
        if str(error) != self._complaint:
            self._complaint = str(error)
            logger.warning("Version %s goes on serving: %s", self._bundle.version, error)

    def known(self) -> KnownCustomers:
        """Return what is known of customers now."""
        business = self.workspace.configuration.business
        return KnownCustomers(self.log, self.workspace.store, business)
