"""The operator's exports, one table per system; none of them in the shape of the contract."""

import numpy as np
import pandas as pd

from serving.demo.blemishes import recorded, with_dirty_rows
from serving.demo.blocks import Instants
from serving.demo.care import referral_table, review_table, ticket_table
from serving.demo.contracts import contract_table
from serving.demo.crm import customer_table, plan_table
from serving.demo.history import History
from serving.demo.instants import instants
from serving.demo.metering import cost_table, invoice_table, usage_table
from serving.demo.parameters import OperatorParameters

NO_SUCH_MOVE = "MIGRATION"
NEGATIVE_VOLUME = -1.0


def raw_tables(
    history: History, rng: np.random.Generator, params: OperatorParameters
) -> dict[str, pd.DataFrame]:
    """Return every export by file name, as taken at the end of observation."""
    until = instants(history.openings[-1].month, np.zeros(1))[0]
    return {
        "contracts.csv.gz": _contracts(history, rng, params),
        "usage.parquet": _usage(history, until, rng, params),
        "tickets.jsonl": _tickets(history, until, rng, params),
        "invoices.csv.gz": _invoices(history, until, rng, params),
        "costs.csv": _with_utc_text(cost_table(history, rng)),
        "reviews.csv": _with_utc_text(review_table(history, rng)),
        "referrals.csv": _with_utc_text(referral_table(history, rng)),
        "crm_customers.csv": customer_table(history, rng, params),
        "plans.csv": plan_table(history),
    }


def _contracts(
    history: History, rng: np.random.Generator, params: OperatorParameters
) -> pd.DataFrame:
    table = contract_table(history)
    faults: dict[str, str | float | None] = {"move": NO_SUCH_MOVE, "subscriber_no": None}
    table = with_dirty_rows(table, faults, rng, params.blemishes)
    table.insert(0, "move_no", np.arange(1, len(table) + 1))
    return table


def _usage(
    history: History, until: Instants, rng: np.random.Generator, params: OperatorParameters
) -> pd.DataFrame:
    table = usage_table(history, rng)
    loaded = recorded(table["metered_at"].to_numpy(), until, rng, params.blemishes)
    table = table.assign(loaded_at=loaded)[~np.isnat(loaded)]
    faults: dict[str, str | float | None] = {"volume": NEGATIVE_VOLUME, "subscriber_no": None}
    table = with_dirty_rows(table, faults, rng, params.blemishes)
    for column in ("metered_at", "loaded_at"):
        table[column] = table[column].dt.tz_localize("UTC")
    return table


def _tickets(
    history: History, until: Instants, rng: np.random.Generator, params: OperatorParameters
) -> pd.DataFrame:
    table = ticket_table(history, rng)
    logged = recorded(table["opened_at"].to_numpy(), until, rng, params.blemishes)
    return _with_utc_text(table.assign(logged_at=logged)[~np.isnat(logged)])


def _invoices(
    history: History, until: Instants, rng: np.random.Generator, params: OperatorParameters
) -> pd.DataFrame:
    table = invoice_table(history, rng)
    table["paid_at"] = table["paid_at"].where(table["paid_at"] < until)
    faults: dict[str, str | float | None] = {"amount": NEGATIVE_VOLUME}
    return _with_utc_text(with_dirty_rows(table, faults, rng, params.blemishes))


def _with_utc_text(table: pd.DataFrame) -> pd.DataFrame:
    """Write times as ISO 8601 with Z; a missing one is None."""
    times = table.select_dtypes("datetime").columns
    return table.assign(**{column: _utc_text(table[column]) for column in times})


def _utc_text(times: pd.Series) -> pd.Series:
    text = np.char.add(np.datetime_as_string(times.to_numpy().astype("datetime64[s]")), "Z")
    text = text.astype(object)
    text[times.isna().to_numpy()] = None
    return pd.Series(text, index=times.index, dtype=object)
