"""Reasons beside the scores of a portfolio, for the customers who matter most."""

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from features.blocks import Block, block_of
from features.instants import instant_of
from features.kernel import Moment
from features.log import Log, bucket_of
from serving.report.wording import count_of
from training.bundle import Bundle
from training.explaining import explain
from training.score_table import NO_REASONS
from training.subscription import SubscriptionModel

_TOGETHER = 200
_MOST_SHOWN = 10
_TOLD = ("customer_id", "value_at_stake", "clv", "churn_3m", "reasons")


def with_reasons(table: pa.Table, log: Log, bundle: Bundle, as_of: datetime, most: int) -> pa.Table:
    """Return `scores` with the reasons of so many customers: those with most value at stake.

    Whoever has given notice is passed over: the others can still be kept. In a shop, where no
    value is at stake and nobody gives notice, it is those with the highest CLV.
    """
    if bundle.background is None:
        return table
    reasons: dict[str, tuple[str, ...]] = {}
    ranked = _ranked(table)
    for start in range(0, len(ranked), _TOGETHER):
        if len(reasons) == most:
            break
        part = ranked[start : start + _TOGETHER]
        reasons |= _reasons_of(part, log, bundle, as_of, most - len(reasons))
    ids = table.column("customer_id").to_pylist()
    told = [reasons.get(customer_id) for customer_id in ids]
    warnings = [
        [text for text in texts if own is None or text != NO_REASONS]
        for own, texts in zip(told, table.column("warnings").to_pylist(), strict=True)
    ]
    for name, column in (("reasons", told), ("warnings", warnings)):
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(column, pa.list_(pa.string())))
    return table


def explained_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return whom the reasons in `scores` are about and what is at stake, the most first."""
    told = table.filter(pc.is_valid(table.column("reasons"))).select(_TOLD)
    rows: list[dict[str, Any]] = told.take(_order(told)).to_pylist()
    return rows


def show_explained(console: Console, rows: list[dict[str, Any]], currency: str) -> None:
    """Print the first of these customers, with their reasons one below the other."""
    has_stake = any(row["value_at_stake"] is not None for row in rows)
    table = Table("customer", *(("at stake",) if has_stake else ()), "CLV", "3-month churn", "why")
    title = "Most value at stake, no notice given" if has_stake else "Highest CLV"
    table.title = f"{title} ({currency})"
    table.title_justify = "left"
    for column in table.columns[1:-1]:
        column.justify = "right"
    for row in rows[:_MOST_SHOWN]:
        stake = (f"{row['value_at_stake']:,.2f}",) if has_stake else ()
        figures = (*stake, f"{row['clv']:,.2f}", f"{row['churn_3m']:.1%}")
        table.add_row(row["customer_id"], *figures, "\n".join(row["reasons"]))
    console.print(table)
    if len(rows) > _MOST_SHOWN:
        more = count_of(len(rows) - _MOST_SHOWN, "customer")
        console.print(f"The reasons of {more} more stand in the scores.")


def _ranked(table: pa.Table) -> list[str]:
    there = table.filter(pc.equal(table.column("status"), "active"))
    ranked: list[str] = there.column("customer_id").take(_order(there)).to_pylist()
    return ranked


def _order(table: pa.Table) -> pa.Array:
    stake = table.column("value_at_stake")
    key = "clv" if stake.null_count == len(stake) else "value_at_stake"
    return pc.sort_indices(table, sort_keys=[(key, "descending"), ("customer_id", "ascending")])


def _reasons_of(
    ranked: list[str], log: Log, bundle: Bundle, as_of: datetime, most: int
) -> dict[str, tuple[str, ...]]:
    """Return the reasons of the first so many who have not given notice."""
    block = _block(ranked, log, bundle, as_of)
    staying = _without_notice(block, bundle, as_of)
    wanted = [customer_id for customer_id in ranked if customer_id in staying][:most]
    rows = np.flatnonzero(np.isin(block.history.customer_ids.astype(str), wanted))
    chosen = Block(block.history.customers(rows), block.profiles.customers(rows))
    told = explain(bundle, chosen, instant_of(as_of))
    return {customer_id: explanation.reasons for customer_id, explanation in told.items()}


def _without_notice(block: Block, bundle: Bundle, as_of: datetime) -> set[str]:
    ids = block.history.customer_ids
    if not isinstance(bundle.model, SubscriptionModel):
        return set(ids)
    business, references = bundle.business, bundle.references
    moment = Moment(block.history, block.profiles, instant_of(as_of), business, references)
    return set(ids[np.isnan(moment.plan.value("days_since_notice"))])


def _block(ids: list[str], log: Log, bundle: Bundle, as_of: datetime) -> Block:
    buckets: dict[int, list[str]] = {}
    for customer_id in ids:
        buckets.setdefault(bucket_of(customer_id, log.n_buckets), []).append(customer_id)
    events = [log.read_events(bucket, as_of, some) for bucket, some in buckets.items()]
    attributes = list(bundle.vocabulary.levels)
    customers = log.read_customers(ids)
    return block_of(pa.concat_tables(events), customers, bundle.business, attributes)
