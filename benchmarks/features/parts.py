"""The parts of the benchmark: each takes the readings of one thing at some sizes."""

import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from benchmarks.features.agreement import agreement
from benchmarks.features.measuring import Json, run_keepworth, run_module
from benchmarks.features.signals_compared import cutoffs, instants
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
    def small(self) -> int:
        """The largest size at which values are compared one by one."""
        return max((size for size in self.sizes if size <= AGREED_UP_TO), default=self.sizes[0])


def kernel(plan: Plan) -> Iterator[Json]:
    """Measure the kernel with the full catalogue, at every size."""
    for n_events, workspace in plan.workspaces(plan.sizes[-1]):
        yield {"log": making_of(workspace)} | _runs(plan, n_events, "kernel_run", "full")


def peers(plan: Plan) -> Iterator[Json]:
    """Measure kernel, pandas, Polars and DuckDB on the common signals, and compare the values."""
    for n_events, _ in plan.workspaces(PEERS_UP_TO):
        yield {"engine": "kernel"} | _runs(plan, n_events, "kernel_run", "common")
        for name in PEERS:
            if not is_installed(name):
                yield {"engine": name, "missing": f"{name} is not installed"}
                continue
            for form in FORMS:
                reading = _beside_kernel(plan, n_events, "common", f"{name}_peer", form)
                yield {"engine": name, "form": form} | reading


def featuretools(plan: Plan) -> Iterator[Json]:
    """Measure Featuretools on a small log, once: it takes two orders of magnitude more."""
    if not is_installed("featuretools"):
        yield {"engine": "featuretools", "missing": "featuretools is not installed"}
        return
    small = replace(plan, runs=1, sizes=(min(FEATURETOOLS_EVENTS, plan.sizes[0]),))
    n_events = small.sizes[0]
    yield {"engine": "kernel"} | _runs(small, n_events, "kernel_run", "common")
    reading = _beside_kernel(small, n_events, "common", "featuretools_peer", "plain")
    yield {"engine": "featuretools", "form": "plain"} | reading


def catalogue_sql(plan: Plan) -> Iterator[Json]:
    """Measure the full catalogue as generated SQL in DuckDB, and compare every bit."""
    once = replace(plan, runs=1)
    for n_events, _ in plan.workspaces(PEERS_UP_TO):
        yield _beside_kernel(once, n_events, "full", "catalogue_sql_run")


def command(plan: Plan) -> Iterator[Json]:
    """Measure `keepworth features`: one as_of, twelve, and one new month after these twelve."""
    asked = cutoffs(13)
    for n_events in plan.sizes[-2:]:
        workspace = plan.workspace(n_events)
        for name, as_ofs, is_fresh in (
            ("1 as_of", asked[-1:], True),
            ("12 as_ofs", asked[:12], True),
            ("one new month after 12", asked, False),
        ):
            yield {"events": n_events, "asked": name} | features_run(
                workspace, as_ofs, is_fresh=is_fresh
            )


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
        local = features_run(workspace, as_ofs, is_fresh=True)
        kept = workspace / "state" / "snapshots-by-batch"
        shutil.rmtree(kept, ignore_errors=True)
        (workspace / "state" / "snapshots").rename(kept)
        by_spark = features_run(workspace, as_ofs, "--engine", "spark", is_fresh=True)
        folders = str(kept), str(workspace / "state" / "snapshots")
        yield {
            "events": n_events,
            "batch": local["process"],
            "spark": by_spark["process"],
            "agreement": run_module("snapshots_compared", *folders),
        }
        shutil.rmtree(kept)


PARTS = {
    "kernel": kernel,
    "peers": peers,
    "featuretools": featuretools,
    "catalogue-sql": catalogue_sql,
    "command": command,
    "online": online,
    "spark": spark,
}


def features_run(
    workspace: Path, as_ofs: Sequence[datetime], *options: str, is_fresh: bool
) -> Json:
    """Run `keepworth features`, without earlier snapshots if fresh."""
    if is_fresh:
        shutil.rmtree(workspace / "state" / "snapshots", ignore_errors=True)
    arguments = [word for as_of in as_ofs for word in ("--as-of", f"{as_of:%Y-%m-%d}")]
    answer, used = run_keepworth("features", workspace, *arguments, *options)
    return {"as_ofs": len(as_ofs), "process": used, "answer_keys": sorted(answer)}


def is_installed(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


def _beside_kernel(plan: Plan, n_events: int, signals: str, module: str, *form: str) -> Json:
    """Measure an engine; at the small size compare its values with the kernel's, in runs apart."""
    reading = _runs(plan, n_events, module, *form)
    if n_events != plan.small or "failed" in reading:
        return reading
    values, workspace = plan.cache / "values", str(plan.workspace(n_events))
    shutil.rmtree(values, ignore_errors=True)
    run_module("kernel_run", workspace, signals, "--save", str(values / "kernel"))
    run_module(module, workspace, *form, "--save", str(values / "other"))
    return reading | {"agreement": agreement(values / "kernel", values / "other", instants())}


def _runs(plan: Plan, n_events: int, module: str, *form: str) -> Json:
    workspace, runs = str(plan.workspace(n_events)), []
    for _ in range(plan.runs if n_events <= REPEATED_UP_TO else 1):
        try:
            runs.append(run_module(module, workspace, *form, limit_seconds=LIMIT_SECONDS))
        except RuntimeError as error:
            return {"events": n_events, "runs": runs, "failed": str(error)[-300:]}
    return {"events": n_events, "runs": runs}
