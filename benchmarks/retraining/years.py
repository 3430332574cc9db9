"""Two years of monthly retraining on the simulated operator, with a competitor in the middle.

Each month the events of that month are ingested, and `keepworth retrain`'s job is run. Three
policies are then held against what came in the three months after each of them, on the whole log:
what the job let serve; the first version for ever; and every month's challenger, promoted
whatever the gates said.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.ingest.run import ingest
from features.instants import instant_of
from features.log import Log
from serving.demo.operator import simulate_operator
from serving.demo.parameters import OperatorParameters, Regime
from serving.retraining.job import Order, retrain
from serving.store.serving_version import find_version, load_version
from serving.workspace import Workspace, open_workspace
from training.backtest import judged_at
from training.backtest_plan import PRODUCT, BacktestPlan
from training.comparison import TASKS, losses

Json = dict[str, Any]
MONTHS, FIRST, CHANGE, AHEAD = 36, 11, 23, 3
"""Months lived; after how many the first version comes, and the competitor; months judged."""
CUSTOMERS, SEED = 1000, 11
_SOURCES = """
[retraining]
every_days = 28
compare_cutoffs = 1

[[sources]]
name = "events"
into = "events"
files = { events = "months/events-*.parquet" }
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
    """Hold what a month came to: the version that serves after it, and its challenger."""

    at: datetime
    outcome: str
    serves: str | None
    challenger: str | None
    stopped_by: tuple[str, ...]


def with_competitor() -> Regime:
    """Return a world in which customers leave and move down more readily."""
    world = OperatorParameters()
    leaving = replace(world.leaving, base_logit=world.leaving.base_logit + 0.9)
    moving = replace(world.moving, downgrade_logit=world.moving.downgrade_logit + 0.7)
    return Regime(CHANGE, replace(world, leaving=leaving, moving=moving))


def two_years(cache: Path, n_customers: int = CUSTOMERS) -> Iterator[Json]:
    """Live, retrain month by month, and judge; yield one reading a month."""
    folder = cache / "years"
    shutil.rmtree(folder, ignore_errors=True)
    whole = _lived(folder / "whole", n_customers)
    workspace_folder = folder / "monthly"
    months: list[Month] = []
    for number in range(FIRST, MONTHS):
        months.append(_month(whole, workspace_folder, number))
        if number <= MONTHS - AHEAD:
            judged = _judged(whole.log(), open_workspace(workspace_folder), number, months)
            yield judged | {"customers in all": n_customers}
    shutil.rmtree(folder)


def _lived(folder: Path, n_customers: int) -> Workspace:
    folder.mkdir(parents=True)
    operator = simulate_operator(n_customers, SEED, months=MONTHS, later=with_competitor())
    operator.write(folder)
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    return workspace


def _first_of(number: int) -> datetime:
    return datetime(2022 + number // 12, 1 + number % 12, 1, tzinfo=UTC)


def _month(whole: Workspace, folder: Path, number: int) -> Month:
    """Ingest what became known by the first of a month, and run the job."""
    _write_known(whole, folder, number)
    workspace = open_workspace(folder)
    settings = workspace.configuration
    ingest(folder, workspace.state, settings.sources, settings.business, settings.ingest)
    outcome = retrain(workspace, Order(), _first_of(number) + timedelta(hours=3))
    answer = outcome.answer
    gates = [*answer["data_gates"], *answer["gates"]]
    serves = find_version(workspace.store).version
    return Month(
        _first_of(number),
        outcome.name,
        serves,
        answer["model_version"],
        tuple(gate["gate"] for gate in gates if not gate["passed"]),
    )


def _write_known(whole: Workspace, folder: Path, number: int) -> None:
    months = folder / "months"
    months.mkdir(parents=True, exist_ok=True)
    log, until = whole.log(), pa.scalar(_first_of(number), pa.timestamp("us", tz="UTC"))
    events = pa.concat_tables([log.read_events(bucket) for bucket in range(log.n_buckets)])
    known = events.filter(pc.less(events.column("recorded_at"), until))
    pq.write_table(known, months / "events-all.parquet")
    people = log.read_customers()
    joined = people.filter(pc.less(people.column("acquired_at"), until))
    pq.write_table(joined, months / "customers.parquet")
    pq.write_table(log.read_plans(), months / "plans.parquet")
    text = (whole.folder / "keepworth.toml").read_text("utf-8").split("[[sources]]", 1)[0]
    last = f"observed_until = {_first_of(MONTHS):%Y-%m-%d}T00:00:00Z"
    own = text.replace(last, f"observed_until = {_first_of(number):%Y-%m-%d}T00:00:00Z")
    (folder / "keepworth.toml").write_text(own + _SOURCES, "utf-8")


def _judged(log: Log, workspace: Workspace, number: int, months: list[Month]) -> Json:
    """Hold every policy against what came after the first of a month."""
    made = [month.challenger for month in months if month.challenger]
    policies = {"job": months[-1].serves, "never": made[0], "always": made[-1]}
    cutoff = instant_of(_first_of(number))
    until = instant_of(_first_of(number + AHEAD))
    plan = BacktestPlan((cutoff,), (AHEAD,), until)
    reading: Json = {
        "month": f"{_first_of(number):%Y-%m}",
        "outcome": months[-1].outcome,
        "serves": months[-1].serves,
        "stopped_by": ", ".join(months[-1].stopped_by),
    }
    for policy, version in policies.items():
        bundle = load_version(workspace.store, version)
        rows = judged_at(bundle, log, cutoff, plan).predictions
        own = rows[rows["model"] == PRODUCT]
        for task in TASKS:
            reading[f"{policy} {task}"] = float(np.mean(losses(own, task)))
        said, came = float(own["churn_probability"].sum()), float(own["churned"].sum())
        reading[f"{policy} ratio"] = said / max(came, 1.0)
        reading["customers"], reading["left"] = len(own), int(came)
    return reading
