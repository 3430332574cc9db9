"""The parts of the benchmark: each takes the readings of one thing at some sizes."""

import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from benchmarks.features.measuring import Json, run_keepworth, run_module
from benchmarks.features.signals_compared import cutoffs
from benchmarks.features.workspace import making_of, workspace_of

REPEATED_UP_TO = 3_000_000
PEERS_UP_TO = 10_000_000
AGREED_UP_TO = 1_000_000
FEATURETOOLS_EVENTS = 100_000
LIMIT_SECONDS = 600.0
PEERS = ("pandas", "polars", "duckdb")
FORMS = ("plain", "grouped")


@dataclass(frozen=True)
class Plan:
    """Hold what is asked for: sizes in rising order, where logs are kept, and the seed."""

    sizes: tuple[int, ...]
    cache: Path
    seed: int
    repetitions: int
    runs: int

    def workspace(self, n_events: int) -> Path:
        """Return the workspace of a size, made if need be."""
        return workspace_of(self.cache, self.seed, n_events)

    def workspaces(self, most: int) -> Iterator[tuple[int, Path]]:
        """Yield each size up to `most` with its workspace."""
        for n_events in self.sizes:
            if n_events <= most:
                yield n_events, self.workspace(n_events)

    @property
    def values(self) -> Path:
        """Where engines keep the values that are compared."""
        return self.cache / "values"

    @property
    def small(self) -> int:
        """The largest size at which values are compared one by one."""
        return max((size for size in self.sizes if size <= AGREED_UP_TO), default=self.sizes[0])


def kernel(plan: Plan) -> Iterator[Json]:
    """Measure the kernel with the full catalogue, at every size."""
    for n_events, workspace in plan.workspaces(plan.sizes[-1]):
        yield {"log": making_of(workspace)} | _runs(plan, n_events, "kernel_run", "full")


def peers(plan: Plan) -> Iterator[Json]:
    """Measure kernel, pandas, Polars and DuckDB on the common signals, and compare the values."""
    _keep_kernel(plan, "common")
    for n_events, _ in plan.workspaces(PEERS_UP_TO):
        yield {"engine": "kernel"} | _runs(plan, n_events, "kernel_run", "common")
        for name in PEERS:
            if not is_installed(name):
                yield {"engine": name, "missing": f"{name} is not installed"}
                continue
            for form in FORMS:
                reading = _beside_kernel(plan, n_events, f"{name}_peer", form)
                yield {"engine": name, "form": form} | reading


def featuretools(plan: Plan) -> Iterator[Json]:
    """Measure Featuretools on a small log, once: it takes two orders of magnitude more."""
    if not is_installed("featuretools"):
        yield {"engine": "featuretools", "missing": "featuretools is not installed"}
        return
    small = replace(plan, runs=1, sizes=(min(FEATURETOOLS_EVENTS, plan.sizes[0]),))
    n_events = small.sizes[0]
    _keep_kernel(small, "common")
    yield {"engine": "kernel"} | _runs(small, n_events, "kernel_run", "common")
    reading = _beside_kernel(small, n_events, "featuretools_peer", "plain")
    yield {"engine": "featuretools", "form": "plain"} | reading


def catalogue_sql(plan: Plan) -> Iterator[Json]:
    """Measure the full catalogue as generated SQL in DuckDB, and compare every bit."""
    once = replace(plan, runs=1)
    _keep_kernel(plan, "full")
    for n_events, _ in plan.workspaces(PEERS_UP_TO):
        yield _beside_kernel(once, n_events, "catalogue_sql_run")


def command(plan: Plan) -> Iterator[Json]:
    """Measure `keepworth features`: one as_of, twelve, and one new month after these twelve."""
    asked = cutoffs(13)
    for n_events in plan.sizes[-2:]:
        workspace = plan.workspace(n_events)
        shutil.rmtree(workspace / "state" / "snapshots", ignore_errors=True)
        for name, as_ofs in (("12 as_ofs", asked[:12]), ("one new month after these", asked)):
            yield {"events": n_events, "asked": name} | features_run(workspace, as_ofs)
        shutil.rmtree(workspace / "state" / "snapshots")
        yield {"events": n_events, "asked": "1 as_of"} | features_run(workspace, asked[-1:])


def online(plan: Plan) -> Iterator[Json]:
    """Measure single calls of the kernel, one customer and 32."""
    yield run_module("online_run", str(plan.seed), str(plan.repetitions))


def spark(plan: Plan) -> Iterator[Json]:
    """Measure `--engine spark` on local[2] beside batch, and count the values that differ."""
    if not is_installed("pyspark") or shutil.which("java") is None:
        yield {"missing": "PySpark or Java is not installed"}
        return
    for n_events in sorted({plan.sizes[0], max(s for s in plan.sizes if s <= PEERS_UP_TO)}):
        workspace, as_ofs = plan.workspace(n_events), cutoffs(1)
        snapshots, by_batch = workspace / "state" / "snapshots", workspace / "state" / "by-batch"
        shutil.rmtree(snapshots, ignore_errors=True)
        shutil.rmtree(by_batch, ignore_errors=True)
        batch = features_run(workspace, as_ofs)
        snapshots.rename(by_batch)
        spark = features_run(workspace, as_ofs, "--engine", "spark")
        agreed = run_module("snapshots_compared", str(by_batch), str(snapshots))
        shutil.rmtree(by_batch)
        used = {"batch": batch["process"], "spark": spark["process"]}
        yield {"events": n_events, "agreement": agreed} | used


PARTS = {
    "kernel": kernel,
    "peers": peers,
    "featuretools": featuretools,
    "catalogue-sql": catalogue_sql,
    "command": command,
    "online": online,
    "spark": spark,
}


def features_run(workspace: Path, as_ofs: Sequence[datetime], *options: str) -> Json:
    """Run `keepworth features` and return what it used."""
    arguments = [word for as_of in as_ofs for word in ("--as-of", f"{as_of:%Y-%m-%d}")]
    _, used = run_keepworth("features", workspace, *arguments, *options)
    return {"as_ofs": len(as_ofs), "process": used}


def is_installed(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


def _keep_kernel(plan: Plan, signals: str) -> None:
    """Keep the kernel's values at the small size, to compare the others with."""
    shutil.rmtree(plan.values, ignore_errors=True)
    workspace = str(plan.workspace(plan.small))
    run_module("kernel_run", workspace, signals, "--save", str(plan.values / "kernel"))


def _beside_kernel(plan: Plan, n_events: int, module: str, *form: str) -> Json:
    """Measure an engine; at the small size compare its values with the kernel's, in a run apart."""
    reading = _runs(plan, n_events, module, *form)
    if n_events != plan.small or "failed" in reading:
        return reading
    kernel_values, values = plan.values / "kernel", plan.values / "other"
    shutil.rmtree(values, ignore_errors=True)
    run_module(module, str(plan.workspace(n_events)), *form, "--save", str(values))
    return reading | {"agreement": run_module("agreement", str(kernel_values), str(values))}


def _runs(plan: Plan, n_events: int, module: str, *form: str) -> Json:
    workspace, runs = str(plan.workspace(n_events)), []
    for _ in range(plan.runs if n_events <= REPEATED_UP_TO else 1):
        try:
            runs.append(run_module(module, workspace, *form, limit_seconds=LIMIT_SECONDS))
        except RuntimeError as error:
            return {"events": n_events, "runs": runs, "failed": str(error)[-300:]}
    return {"events": n_events, "runs": runs}
