"""The retraining job: one decision for the same data, configuration and code, however often run.

Whatever it is killed at, the next run goes on: a finished stage is found in its folder, a version
in the registry by its key, and a promotion is one transaction with the decision on it. One run at
a time: on this machine by the workspace's lock, elsewhere by a lease whose token is good for as
long as nobody else has changed, or is about to change, what serves.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from features.canary import LeakFoundError
from features.ingest.lock import writing
from features.instants import datetime_of
from features.mistakes import InputRefusedError, MistakenError, NotFoundError
from serving.report.wording import count_of
from serving.retraining.note import write_note
from serving.retraining.promotions import facts_of, mirror_in_registry
from serving.retraining.reasons import Serving, reasons_of, waiting_since_refusal
from serving.retraining.registering import register_version, save_whole
from serving.retraining.site import Site, key_of, site_of
from serving.store.audit import COMMAND_LINE
from serving.store.decisions import (
    Decision,
    OutcomeName,
    find_decided,
    finish_decision,
    record_decision,
)
from serving.store.draining import count_waiting, drain
from serving.store.fencing import holding, require_newest
from serving.store.promoting import Act, let_serve
from serving.store.serving_version import ModelVersion, find_version, load_version, record_version
from serving.workspace import Workspace
from training.bundle import UNREGISTERED, Bundle
from training.bundle_files import digest_of, load_bundle
from training.bundle_gates import latency_gate, size_gate, stability_gate
from training.comparison import Champion, Ground, compare
from training.data_gates import data_gates
from training.fitting import fit_bundle
from training.gate import Gate, as_rows
from training.known import Known, observed_bounds
from training.leak_gate import leak_gate
from training.promotion_gates import promotion_gates
from training.recipe import known_for, read_recipe, recipe_of
from training.value_moves import value_moves

LEASE = "retraining"
_NO_EVENTS = Gate(
    *("volume", False, "the log holds no events"),
    "run `keepworth ingest`, and see that the sources of keepworth.toml have rows",
)
_OUR_FAULT = (
    "that is a fault of keepworth's code, not of the data: report it, and go back to the version "
    "of keepworth before"
)
Tell = Callable[[str, float], None]
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Order:
    """Say what is asked of a run: to change nothing, or to promote whatever is found."""

    is_dry: bool = False
    is_forced: bool = False
    reason: str = ""
    actor: str = COMMAND_LINE


@dataclass(frozen=True)
class Outcome:
    """Hold what a run came to, and all that it rests on as JSON gives it."""

    name: OutcomeName
    answer: dict[str, Any]


def retrain(
    workspace: Workspace,
    order: Order,
    now: datetime,
    tell: Tell = lambda _what, _share: None,
) -> Outcome:
    """Run the job to its end.

    Raises
    ------
    WorkspaceBusyError
        If another run holds the workspace or the lease, or what serves was changed meanwhile.
    """
    with writing(workspace.state):
        if order.is_dry:
            return _with_waiting(workspace, Run(workspace, order, now, tell).outcome())
        with holding(workspace.store, LEASE, holder_of(workspace)) as lease:
            tell("draining what was posted", 0.0)
            drain(workspace.store, now)
            return Run(workspace, order, now, tell, lease.token).outcome()


def _with_waiting(workspace: Workspace, outcome: Outcome) -> Outcome:
    """Return the outcome of a dry run, warned of events that a real one would drain before."""
    n = count_waiting(workspace.store)
    posted = count_of(n, "posted event")
    warning = f"{posted} not drained yet: a real run takes in what was posted before it decides"
    warnings = [*outcome.answer["warnings"], *([warning] if n else [])]
    return Outcome(outcome.name, outcome.answer | {"warnings": warnings})


def holder_of(workspace: Workspace) -> str:
    """Return who runs: a process that has the lock of this folder on this machine."""
    return f"{socket.gethostname()}:{workspace.folder}"


@dataclass(frozen=True)
class Run:
    """One run under a fencing token; a dry one has none."""

    workspace: Workspace
    order: Order
    now: datetime
    tell: Tell
    token: int | None = None

    def outcome(self) -> Outcome:
        """Go from the data to a decision, and carry it out."""
        key = key_of(self.workspace)
        earlier = find_decided(self.workspace.store, key)
        if earlier is not None:
            return self._again(key, earlier)
        site = site_of(self.workspace, key)
        site.begin()
        found: dict[str, Any] = {"key": key}
        self.tell("checking the data", 0.05)
        found["data_gates"] = self._data_gates()
        if self._is_stopped(found["data_gates"]) or self._is_empty:
            return self._ended(site, "data refused", found)
        self.tell("looking whether it is due", 0.1)
        serving = self._serving()
        found["reasons"] = [asdict(reason) for reason in self._reasons(serving)]
        is_due = any(reason["is_due"] for reason in found["reasons"])
        waiting = waiting_since_refusal(self.workspace, key, self.now)
        if waiting is not None:
            found["reasons"].append(asdict(waiting))
        if (not is_due or waiting is not None) and not self.order.is_forced:
            return self._ended(site, "not due", found)
        return self._trained(site, serving, found)

    def _again(self, key: str, earlier: Decision) -> Outcome:
        """Finish what an earlier run of the key decided; force can but promote its version."""
        site, serves = site_of(self.workspace, key), self._version_serving()
        if not earlier.is_finished and self.token is not None:
            if earlier.outcome != "promoted" or serves == earlier.version:
                return self._finished(site, earlier)
            # Somebody let another version serve meanwhile, and the alias went along.
            site.clear()
            finish_decision(self.workspace.store, earlier.token)
        if self.order.is_forced and earlier.version and serves != earlier.version:
            version = find_version(self.workspace.store, earlier.version)
            return self._decided(site, "promoted", version, dict(earlier.answer))
        found = (
            f"the same data, configuration and code were decided on at {earlier.at[:16]}: "
            f"version {earlier.version} was {earlier.outcome}, and version {serves} serves"
        )
        reason = {"name": "decided", "is_due": False, "found": found}
        return self._ended(None, "not due", {"key": key, "reasons": [reason]})

    def _trained(self, site: Site, serving: Serving, found: dict[str, Any]) -> Outcome:
        self.tell("building features, and looking for leaks", 0.2)
        try:
            known = self._known()
            rows = site.once("features", lambda: as_rows([leak_gate(known)]))
            found["data_gates"] += rows
            if self._is_stopped(rows):
                return self._ended(site, "data refused", found)
            self.tell("fitting the challenger", 0.3)
            challenger = self._challenger(site, known)
            self.tell("comparing", 0.6)
            stage = f"comparison-{serving.version}"
            found |= site.once(stage, lambda: self._compared(site, serving, known, challenger))
        except (InputRefusedError, LeakFoundError) as error:
            found["data_gates"] += as_rows([_gate_of(error)])
            return self._ended(site, "data refused", found)
        is_refused = self._is_stopped(found["gates"])
        name: OutcomeName = "refused" if is_refused else "promoted"
        if self.order.is_dry:
            return Outcome(name, self._answer(name, found, None))
        self.tell("registering", 0.85)
        version = self._registered(site, challenger, found)
        return self._decided(site, name, version, found)

    def _data_gates(self) -> Rows:
        if self._is_empty:
            return as_rows([_NO_EVENTS])
        rules = self.workspace.configuration.retraining
        return as_rows(data_gates(self.workspace.log(), self._cutoff, self.now, rules))

    @property
    def _is_empty(self) -> bool:
        return not self.workspace.log().n_events

    def _version_serving(self) -> str | None:
        """Return the version that serves; None before any does, though some were refused."""
        try:
            return find_version(self.workspace.store).version
        except NotFoundError:
            return None

    def _serving(self) -> Serving:
        """Load what serves; a version that this code cannot read is none to compare with."""
        version = self._version_serving()
        if version is None:
            return Serving(None)
        try:
            bundle = load_version(self.workspace.store, version)
        except (MistakenError, OSError) as error:
            return Serving(None, complaint=f"what serves cannot be read: {error}")
        recipe = read_recipe(self.workspace.models / version, bundle)
        return Serving(Champion(recipe, bundle), version)

    def _reasons(self, serving: Serving) -> Sequence[Any]:
        recipe = recipe_of(self.workspace.configuration.features)
        return reasons_of(self.workspace, serving, recipe, self._cutoff)

    @property
    def _cutoff(self) -> int:
        business = self.workspace.configuration.business
        return observed_bounds(self.workspace.log(), business)[1]

    def _known(self) -> Known:
        configuration = self.workspace.configuration
        return known_for(
            self.workspace.log(), configuration.business, configuration.features, self._cutoff
        )

    def _challenger(self, site: Site, known: Known) -> Bundle:
        """Fit the challenger, unless a run of the key has; what is used is what was written."""
        if not site.bundle.exists():
            rules = self.workspace.configuration.features
            save_whole(fit_bundle(known)[0], rules, self.workspace.log(), site.bundle)
        return load_bundle(site.bundle, digest_of(site.bundle), UNREGISTERED)

    def _compared(
        self, site: Site, serving: Serving, known: Known, challenger: Bundle
    ) -> dict[str, Any]:
        configuration, log = self.workspace.configuration, self.workspace.log()
        rules, champion = configuration.retraining, serving.champion
        ground = Ground(log, configuration.business, rules)
        recipe = recipe_of(configuration.features, challenger)
        compared = compare(ground, recipe, champion)
        gates = promotion_gates(compared, rules, has_champion=champion is not None)
        gates += [size_gate(site.bundle, rules), latency_gate(challenger, known, rules)]
        moved = None
        if champion is not None:
            moves = value_moves(log, champion.bundle, challenger)
            gates.append(stability_gate(moves, rules))
            moved = moves.as_row() | {"currency": configuration.business.currency}
        return {"gates": as_rows(gates), "metrics": compared.metrics(), "moved": moved}

    def _registered(self, site: Site, challenger: Bundle, found: dict[str, Any]) -> ModelVersion:
        from training.tracking import Registration

        made = Registration(challenger, site.bundle, metrics=found["metrics"], key=found["key"])
        return register_version(self.workspace, made, self.now)

    def _decided(
        self, site: Site, name: OutcomeName, version: ModelVersion, found: dict[str, Any]
    ) -> Outcome:
        """Record the decision, and let the version serve if so decided, in one transaction."""
        if self.order.is_dry or self.token is None:
            return Outcome(name, self._answer(name, found, version.version))
        store = self.workspace.store
        self.tell("deciding", 0.9)
        bundle = load_bundle(
            self.workspace.models / version.version, version.digest, version.version
        )
        facts = facts_of(bundle, key=found["key"], metrics=found["metrics"])
        act = Act("retrain", self.now, self._why(found), self.order.actor, facts)
        with store.writing() as connection:
            require_newest(connection, self.token)
            record_version(connection, version)
            before = None
            if name == "promoted":
                before = let_serve(connection, version.version, act, self.token).version_before
            answer = self._answer(name, found, version.version) | {"version_before": before}
            decision = Decision(
                *(self.token, found["key"], self.now.isoformat(), name),
                *(version.version, before, answer),
            )
            record_decision(connection, decision)
        return self._finished(site, decision)

    def _finished(self, site: Site, decision: Decision) -> Outcome:
        """Do what follows a decision: the alias, the note, and no folder left behind."""
        store, answer = self.workspace.store, dict(decision.answer)
        if decision.outcome == "promoted" and decision.version:
            self.tell("telling the registry, and writing the note", 0.95)
            answer["warnings"] = mirror_in_registry(self.workspace, find_version(store).version)
            if decision.version_before:
                page = write_note(self.workspace, decision.version_before, decision.version)
                answer["note"] = None if page is None else str(page)
        site.clear()
        finish_decision(store, decision.token)
        return Outcome(decision.outcome, answer)

    def _ended(self, site: Site | None, name: OutcomeName, found: dict[str, Any]) -> Outcome:
        """Record an end without a version."""
        answer = self._answer(name, found, None)
        if self.token is not None:
            decision = Decision(
                *(self.token, found["key"], self.now.isoformat(), name),
                *(None, None, answer),
                is_finished=True,
            )
            with self.workspace.store.writing() as connection:
                require_newest(connection, self.token)
                record_decision(connection, decision)
        if site is not None:
            site.clear()
        return Outcome(name, answer)

    def _answer(
        self, name: OutcomeName, found: dict[str, Any], version: str | None
    ) -> dict[str, Any]:
        empty: dict[str, Any] = {
            "outcome": name,
            "model_version": version,
            "version_before": None,
            "as_of": None if self._is_empty else datetime_of(self._cutoff).isoformat(),
            "reasons": [],
            "data_gates": [],
            "gates": [],
            "metrics": [],
            "moved": None,
            "note": None,
            "warnings": [],
        }
        asked = {
            "dry_run": self.order.is_dry,
            "forced": self.order.is_forced,
            "forced_because": self.order.reason or None,
        }
        return empty | found | asked | {"outcome": name, "model_version": version}

    def _is_stopped(self, gates: Rows) -> bool:
        return not self.order.is_forced and any(not gate["passed"] for gate in gates)

    def _why(self, found: dict[str, Any]) -> str:
        if self.order.is_forced:
            return f"forced: {self.order.reason}"
        due = [reason["found"] for reason in found.get("reasons", []) if reason["is_due"]]
        return "; ".join(due) or "due"


def _gate_of(error: InputRefusedError | LeakFoundError) -> Gate:
    """Return what stopped the training as a gate that is closed."""
    if isinstance(error, LeakFoundError):
        return Gate("leak", passed=False, found=str(error), way_out=_OUR_FAULT)
    way_out = "; ".join(str(mistake) for mistake in error.mistakes)
    return Gate("outcomes", passed=False, found=error.summary, way_out=way_out)


def outcome_code(name: OutcomeName) -> int:
    """Return the exit code of an outcome, as the contract has it."""
    return {"promoted": 0, "refused": 10, "not due": 11, "data refused": 12}[name]
