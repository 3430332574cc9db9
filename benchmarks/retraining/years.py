"""Two years of monthly retraining on the simulated operator, whose world changes in the middle.

Each month the events of that month are ingested, and `keepworth retrain`'s job is run. Three
policies are then held against what came in the three months after each of them, on the whole log:
what the job let serve; the first version for ever; and every month's challenger, promoted
whatever the gates said. Each month is kept in the cache as it ends, and a run that was stopped is
gone on from, as long as the code that models hang on is the same.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.ingest.run import ingest
from features.instants import instant_of
from features.whole_files import whole_file
from serving.demo.operator import simulate_operator
from serving.demo.parameters import OperatorParameters, Regime
from serving.retraining.job import Order, retrain
from serving.store.decisions import find_decided
from serving.store.serving_version import find_version, load_version
from serving.workspace import Workspace, open_workspace
from training.backtest import judged_at
from training.backtest_plan import PRODUCT, BacktestPlan
from training.comparison import TASKS, losses
from training.paired_bootstrap import paired_difference
from training.recipe import code_digest

Json = dict[str, Any]
FIRST, CHANGE, LAST, AHEAD = 10, 22, 33, 3
"""Months lived when the first version comes, the world changes, the last is judged; how far."""
MONTHS = LAST + AHEAD
CUSTOMERS, SEED = 3000, 11
POLICIES = ("job", "never", "always")
RISE = 1.15
_SOURCES = """
[retraining]
every_days = 28
compare_cutoffs = 1

[[sources]]
name = "events"
into = "events"
files = { events = "months/events.parquet" }
select = "SELECT * FROM events"

[[sources]]
name = "customers"
into = "customers"
files = { customers = "months/customers.parquet" }
select = "SELECT * FROM customers"

[[sources]]
name = "plans"
into = "plans"
files = { plans = "months/plans.parquet" }
select = "SELECT * FROM plans"
"""


@dataclass(frozen=True)
class Month:
    """Hold what a month came to: the version that serves after it, and every challenger so far."""

    outcome: str
    serves: str
    challengers: tuple[str, ...]
    stopped_by: tuple[str, ...]


def with_competitor() -> Regime:
    """Return a world in which customers leave and move down more readily."""
    return _changed(OperatorParameters(), leaving_logit=0.9, downgrade_logit=0.7)


def with_price_rise() -> Regime:
    """Return a world in which every plan is dearer, and customers leave for it more readily."""
    world = OperatorParameters()
    dearer = tuple(round(price * RISE, 2) for price in world.plans.list_prices)
    plans = replace(world.plans, list_prices=dearer)
    return _changed(replace(world, plans=plans), leaving_logit=0.4, downgrade_logit=0.4)


def _changed(world: OperatorParameters, leaving_logit: float, downgrade_logit: float) -> Regime:
    leaving = replace(world.leaving, base_logit=world.leaving.base_logit + leaving_logit)
    downgrades = world.moving.downgrade_logit + downgrade_logit
    moving = replace(world.moving, downgrade_logit=downgrades)
    return Regime(CHANGE, replace(world, leaving=leaving, moving=moving))


WORLDS: Mapping[str, Regime] = {
    "a competitor": with_competitor(),
    "a price rise": with_price_rise(),
}


def two_years(cache: Path, n_customers: int = CUSTOMERS) -> Iterator[Json]:
    """Yield one reading a month of each world: those that are kept, then those that are lived."""
    for world, later in WORLDS.items():
        of_world = f"{world} {n_customers} {code_digest()[:12]}".replace(" ", "-")
        folder = cache / of_world
        for reading in _of_world(folder, later, n_customers):
            yield {"world": world, "customers in all": n_customers} | reading


def _of_world(folder: Path, later: Regime, n_customers: int) -> Iterator[Json]:
    whole = _lived(folder / "whole", later, n_customers)
    for number in range(FIRST, LAST + 1):
        kept = folder / f"{_first_of(number):%Y-%m}.json"
        if not kept.exists():
            month = _month(whole, folder / "monthly", number, _challengers(folder))
            _losses_after(whole, folder, number, month).to_parquet(kept.with_suffix(".parquet"))
            with whole_file(kept) as draft:
                draft.write_text(json.dumps(vars(month)))
        yield _reading(folder, number, json.loads(kept.read_text()))


def _challengers(folder: Path) -> tuple[str, ...]:
    """Return the versions made in the months that are kept, in their order."""
    kept = sorted(folder.glob("*.json"))
    return tuple(json.loads(kept[-1].read_text())["challengers"]) if kept else ()


def _lived(folder: Path, later: Regime, n_customers: int) -> Workspace:
    if not (folder / "state" / "log" / "manifest.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        simulate_operator(n_customers, SEED, months=MONTHS, later=later).write(folder)
        _ingested(folder)
    return open_workspace(folder)


def _ingested(folder: Path) -> Workspace:
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    return workspace


def _first_of(number: int) -> datetime:
    return datetime(2022 + number // 12, 1 + number % 12, 1, tzinfo=UTC)


def _month(whole: Workspace, folder: Path, number: int, before: tuple[str, ...]) -> Month:
    """Ingest what became known by the first of a month, and run the job."""
    _write_known(whole, folder, number)
    workspace = _ingested(folder)
    answer = retrain(workspace, Order(), _first_of(number) + timedelta(hours=3)).answer
    # A run of the benchmark that was stopped here may have left the month decided.
    decided = find_decided(workspace.store, answer["key"])
    answer = decided.answer if decided else answer
    made = answer["model_version"]
    gates = [*answer["data_gates"], *answer["gates"]]
    return Month(
        answer["outcome"],
        find_version(workspace.store).version,
        (*before, made) if made else before,
        tuple(gate["gate"] for gate in gates if not gate["passed"]),
    )


def _write_known(whole: Workspace, folder: Path, number: int) -> None:
    """Write what became known in the month before, all of the past for the first."""
    months = folder / "months"
    months.mkdir(parents=True, exist_ok=True)
    log, until = whole.log(), pa.scalar(_first_of(number), pa.timestamp("us", tz="UTC"))
    events = pa.concat_tables([log.read_events(bucket) for bucket in range(log.n_buckets)])
    known = events.filter(pc.less(events.column("recorded_at"), until))
    if number > FIRST:
        since = pa.scalar(_first_of(number - 1), pa.timestamp("us", tz="UTC"))
        known = known.filter(pc.greater_equal(known.column("recorded_at"), since))
    pq.write_table(known, months / "events.parquet")
    people = log.read_customers()
    joined = people.filter(pc.less(people.column("acquired_at"), until))
    pq.write_table(joined, months / "customers.parquet")
    plans = log.read_plans()
    offered = plans.filter(pc.less(plans.column("valid_from"), until))
    pq.write_table(offered, months / "plans.parquet")
    text = (whole.folder / "keepworth.toml").read_text("utf-8").split("[[sources]]", 1)[0]
    last = f"observed_until = {_first_of(MONTHS):%Y-%m-%d}T00:00:00Z"
    own = text.replace(last, f"observed_until = {_first_of(number):%Y-%m-%d}T00:00:00Z")
    (folder / "keepworth.toml").write_text(own + _SOURCES, "utf-8")


def _losses_after(whole: Workspace, folder: Path, number: int, month: Month) -> pd.DataFrame:
    """Hold every policy against what came after the first of a month, customer by customer.

    Columns: `customer_id`, `churned`, and of each policy its chance of leaving and its losses.
    """
    store, log = open_workspace(folder / "monthly").store, whole.log()
    cutoff, until = (instant_of(_first_of(at)) for at in (number, number + AHEAD))
    plan = BacktestPlan((cutoff,), (AHEAD,), until)
    versions = (month.serves, month.challengers[0], month.challengers[-1])
    said = {}
    for version in set(versions):
        rows = judged_at(load_version(store, version), log, cutoff, plan).predictions
        said[version] = rows[rows["model"] == PRODUCT].sort_values("customer_id")
    held = said[month.serves][["customer_id", "churned"]].reset_index(drop=True)
    for policy, version in zip(POLICIES, versions, strict=True):
        held[f"{policy} exits"] = said[version]["churn_probability"].to_numpy()
        for task in TASKS:
            held[f"{policy} {task}"] = losses(said[version], task)
    return held


def _reading(folder: Path, number: int, month: Json) -> Json:
    """Return a month's mean losses, and how policies differed so far on its side of the change."""
    held = pd.read_parquet(folder / f"{_first_of(number):%Y-%m}.parquet")
    reading: Json = {
        "month": f"{_first_of(number):%Y-%m}",
        "period": "after" if number >= CHANGE else "before",
        "outcome": month["outcome"],
        "serves": month["serves"],
        "stopped_by": ", ".join(month["stopped_by"]),
        "customers": len(held),
        "left": int(held["churned"].sum()),
    }
    for policy in POLICIES:
        reading |= {f"{policy} {task}": float(held[f"{policy} {task}"].mean()) for task in TASKS}
        exits = float(held[f"{policy} exits"].sum())
        reading[f"{policy} ratio"] = exits / max(reading["left"], 1)
    since = CHANGE if number >= CHANGE else FIRST
    files = [folder / f"{_first_of(each):%Y-%m}.parquet" for each in range(since, number + 1)]
    period = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    for other in POLICIES[1:]:
        for task in TASKS:
            reading[f"job - {other} {task}"] = _difference(period, other, task)
    return reading


def _difference(rows: pd.DataFrame, other: str, task: str) -> list[float]:
    """Return the mean of the job's loss less another's, and its 95% interval by customer."""
    own, beside = (rows[f"{policy} {task}"].to_numpy(float) for policy in ("job", other))
    customers = rows["customer_id"].to_numpy(object)
    found = paired_difference(own, beside, customers, np.random.default_rng(SEED))
    return [found.mean, found.low, found.high]
