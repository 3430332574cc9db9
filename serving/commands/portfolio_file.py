"""`scores/<as_of>/portfolio.json`: what the portfolio adds up to, kept for GET /v1/portfolio."""

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.instants import instant_of
from features.log import Log
from features.months import month_numbers
from features.whole_files import whole_file
from serving.api.asked import iso
from serving.api.portfolio_answer import (
    CohortEquity,
    MonthChange,
    PortfolioAnswer,
    RunChange,
    SegmentEquity,
)
from serving.report.portfolio import portfolio_of
from serving.report.sections.changes import AMOUNTS, movement_of
from serving.workspace import Workspace, as_of_name
from training.bundle import Bundle
from training.score_sums import ScoreSums, equity_interval
from training.score_table import ACTIVE
from valuation.equity import customer_equity, equity_by_group

PORTFOLIO_FILE = "portfolio.json"
_NO_INTERVAL = (
    "customer_equity_low and customer_equity_high are null: history is too short to calibrate an "
    "interval of the total, or earlier forecasts erred too differently"
)
_SCORED_ELSEWHERE = (
    "segments, cohorts, since_month_before and since_last_scores are null: the scores were written "
    "elsewhere, by Spark"
)
_NOT_BEFORE = "since_month_before is null: nobody was a customer a month before"
_FIRST_SCORES = "since_last_scores is null: there are no scores of an earlier as_of"


class Scored(NamedTuple):
    """Hold the scores of everybody, and how they changed in a month."""

    table: pa.Table
    changes: pd.DataFrame


def write_portfolio(  # noqa: PLR0913, PLR0917 -- what a run of the command has found
    workspace: Workspace,
    bundle: Bundle,
    as_of: datetime,
    scored_at: datetime,
    sums: ScoreSums,
    scored: Scored | None,
) -> Path:
    """Write the file; without the scores themselves it says that they lie elsewhere."""
    path = workspace.of_as_of("scores", as_of) / PORTFOLIO_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    moments = {"as_of": iso(instant_of(as_of)), "scored_at": iso(instant_of(scored_at))}
    totals = moments | totals_of(sums, bundle)
    parts = _elsewhere() if scored is None else _parts(workspace, bundle, as_of, scored)
    warnings = [_NO_INTERVAL] if totals["customer_equity_low"] is None else []
    answer = PortfolioAnswer(**totals, **(parts | {"warnings": [*warnings, *parts["warnings"]]}))
    with whole_file(path) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(answer), indent=1))
    return path


def totals_of(sums: ScoreSums, bundle: Bundle) -> dict[str, Any]:
    """Return what the portfolio adds up to, by the names of GET /v1/portfolio."""
    low, high = equity_interval(sums, bundle) or (None, None)
    business = bundle.business
    return {
        "model_version": bundle.version,
        "currency": business.currency,
        "horizon_months": business.horizon_months,
        "annual_discount_rate": business.annual_discount_rate,
        "customers": sums.customers,
        "lost": sums.lost,
        "customer_equity": sums.customer_equity,
        "customer_equity_low": low,
        "customer_equity_high": high,
        "mean_clv": sums.mean_clv,
        "loss_makers": sums.loss_makers,
        "loss": sums.loss,
        "outside_training": sums.outside_training,
        "longest_month": bundle.longest_month,
        "equity_beyond_longest_month": sums.equity_beyond_longest_month,
    }


def _elsewhere() -> dict[str, Any]:
    nothing = ("segments", "cohorts", "since_month_before", "since_last_scores")
    return dict.fromkeys(nothing) | {"warnings": [_SCORED_ELSEWHERE]}


def _parts(workspace: Workspace, bundle: Bundle, as_of: datetime, scored: Scored) -> dict[str, Any]:
    month = _since_month_before(scored.changes)
    before = _since_last_scores(workspace, as_of, scored.table)
    missing = [(month, _NOT_BEFORE), (before, _FIRST_SCORES)]
    return {
        "segments": _segments(scored.table, bundle),
        "cohorts": _cohorts(workspace.log(), as_of, scored.table),
        "since_month_before": month,
        "since_last_scores": before,
        "warnings": [warning for found, warning in missing if found is None],
    }


def _segments(table: pa.Table, bundle: Bundle) -> list[SegmentEquity]:
    columns = ["status", "segment", "clv", "churn_3m", "value_at_stake"]
    scores = table.select(columns).to_pandas()
    portfolio = portfolio_of(scores, bundle.business, bundle.longest_month)
    names = portfolio.active["segment"].fillna("unknown").astype(str).to_numpy(dtype=object)
    churn, at_stake = portfolio.numbers("churn_3m"), portfolio.numbers("value_at_stake")
    return [
        SegmentEquity(
            segment=group.group,
            customers=group.n_customers,
            customer_equity=group.customer_equity,
            mean_clv=group.mean_clv,
            churn_3m=float(churn[names == group.group].mean()),
            value_at_stake=_sum_of_known(at_stake[names == group.group]),
        )
        for group in equity_by_group(portfolio.clv, names.tolist())
    ]


def _sum_of_known(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    known = values[np.isfinite(values)]
    return customer_equity(known) if len(known) else None


def _cohorts(log: Log, as_of: datetime, table: pa.Table) -> list[CohortEquity]:
    names = _cohort_names(log, as_of, table.column("customer_id"))
    is_there = np.array(table.column("status").to_pylist(), dtype=object) == ACTIVE
    values = np.where(is_there, table.column("clv").to_numpy(), 0.0)
    found = []
    for group in equity_by_group(values, names.tolist()):
        customers = int((is_there & (names == group.group)).sum())
        found.append(
            CohortEquity(
                cohort=group.group,
                customers=customers,
                lost=group.n_customers - customers,
                customer_equity=group.customer_equity,
                mean_clv=group.customer_equity / customers if customers else None,
            )
        )
    return found


def _cohort_names(
    log: Log, as_of: datetime, customer_ids: pa.ChunkedArray
) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return the month in which each customer began, as "2024-03"."""
    seen = log.query(
        "SELECT customer_id, min(occurred_at) AS began FROM read_parquet($files) "
        "WHERE occurred_at < make_timestamptz($before) AND recorded_at < make_timestamptz($before) "
        "GROUP BY customer_id",
        {"files": [str(path) for path in log.files("events")], "before": instant_of(as_of)},
    )
    known = log.read_customers().select(["customer_id", "acquired_at"])
    known = known.filter(pc.is_valid(known.column("acquired_at")))
    acquired = known.column("acquired_at").take(_places(customer_ids, known))
    first = seen.column("began").take(_places(customer_ids, seen))
    began = pc.coalesce(acquired, first).cast(pa.int64()).to_numpy()
    months = month_numbers(began)
    return np.array([f"{1970 + month // 12}-{1 + month % 12:02d}" for month in months], object)


def _places(customer_ids: pa.ChunkedArray, table: pa.Table) -> pa.Array:
    among = table.column("customer_id").combine_chunks()
    return pc.index_in(customer_ids.combine_chunks(), value_set=among)


def _since_month_before(changes: pd.DataFrame) -> MonthChange | None:
    complete = changes.dropna(subset=AMOUNTS)
    if complete.empty:
        return None
    moved = movement_of(complete)
    return MonthChange(
        customers=moved.n_customers,
        customer_equity_before=moved.before,
        customer_equity_now=moved.now,
        time=moved.time,
        value=moved.value,
    )


def _since_last_scores(workspace: Workspace, as_of: datetime, table: pa.Table) -> RunChange | None:
    """Lead from the newest scores of an earlier `as_of` to these."""
    earlier = [
        path
        for path in sorted((workspace.folder / "scores").glob("*/scores.parquet"))
        if path.parent.name < as_of_name(as_of)
    ]
    if not earlier:
        return None
    columns = ["customer_id", "as_of", "model_version", "status", "clv"]
    before = pq.read_table(earlier[-1], columns=columns)
    if not before.num_rows:
        return None
    was, now = _value_by_customer(before), _value_by_customer(table)
    both = was.index.intersection(now.index)
    left, joined = was.drop(both), now.drop(both)
    return RunChange(
        as_of=iso(instant_of(before.column("as_of")[0].as_py())),
        model_version=before.column("model_version")[0].as_py(),
        customer_equity=_total(was),
        stayed=len(both),
        stayed_change=_total(now[both] - was[both]),
        left=len(left),
        left_equity=_total(left),
        joined=len(joined),
        joined_equity=_total(joined),
    )


def _value_by_customer(table: pa.Table) -> "pd.Series[float]":
    """Return the CLV of those who are there, by customer."""
    there = table.filter(pc.equal(table.column("status"), ACTIVE))
    return pd.Series(there.column("clv").to_numpy(), there.column("customer_id").to_pylist())


def _total(values: "pd.Series[float]") -> float:
    return customer_equity(np.asarray(values, dtype=np.float64))
