"""What the network and the billing run record by month: usage, invoices, costs caused."""

import numpy as np
import pandas as pd

from serving.demo.blocks import Bools, Column, Floats, Instants
from serving.demo.crm import customer_ids
from serving.demo.history import History, LivedMonth
from serving.demo.instants import days_in, days_of_month, instants

READ_OUT_DAYS = 2.0 / 24.0
"""Meters are read two hours before midnight, so that a month's last reading lies in it."""


def usage_table(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Return readings, data weekly and the rest monthly.

    Columns: `subscriber_no, metered_at (UTC), service, volume`; data in MB.
    """
    parts = [frame for month in history.observed for frame in _readings(month, rng)]
    return pd.concat(parts, ignore_index=True)


def invoice_table(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Return one row per amount asked for.

    Columns: `subscriber_no, due_at (UTC), amount, status, paid_at (UTC or NaT)`; status is `paid`,
    `returned` by the bank (and perhaps paid later), or `arrears` for old bills paid in one go.
    """
    months = history.observed
    parts = [part for month in months for part in (_bills(month, rng), _settlements(month, rng))]
    return pd.concat(parts, ignore_index=True)


def cost_table(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Return what single customers cost: `subscriber_no, booked_at (UTC), item, cost` in EUR."""
    parts = [frame for month in history.observed for frame in _costs(month, rng)]
    return pd.concat(parts, ignore_index=True)


def _readings(month: LivedMonth, rng: np.random.Generator) -> list[pd.DataFrame]:
    end = float(days_in(month.state.month))
    traces, volume_mb = month.traces, 1000.0 * month.happenings.dealings.data_gb
    weeks = [(0.0, 7.0), (7.0, 14.0), (14.0, 21.0), (21.0, end)]
    unevenness = np.exp(0.25 * rng.standard_normal((len(weeks), len(month.state))))
    overlap = np.stack([_overlap(month, *week) for week in weeks])
    parts = overlap * unevenness
    weekly = volume_mb * parts / parts.sum(axis=0)
    data = [
        _reading(month, weekly[week].round(1), until, "data", overlap[week] > 0)
        for week, (_, until) in enumerate(weeks)
    ]
    everyone = np.ones(len(month.state), dtype=np.bool_)
    voice = _reading(month, traces.minutes, end, "voice_minutes", everyone)
    return [*data, voice, _reading(month, traces.logins, end, "app_logins", everyone)]


def _overlap(month: LivedMonth, since: float, until: float) -> Floats:
    """Return how many days of a span of the month each customer was active."""
    charges = month.happenings.charges
    active = np.minimum(charges.last_day, until) - np.maximum(charges.first_day, since)
    return np.maximum(active, 0.0)


def _reading(
    month: LivedMonth, volume: Column, until: float, service: str, chosen: Bools
) -> pd.DataFrame:
    """Return a reading at the end of a span, or when the customer left within it."""
    read = np.minimum(month.happenings.charges.last_day, until - READ_OUT_DAYS)
    return pd.DataFrame(
        {
            "subscriber_no": customer_ids(month.state.who),
            "metered_at": instants(month.state.month, read),
            "service": service,
            "volume": volume,
        }
    )[chosen]


def _bills(month: LivedMonth, rng: np.random.Generator) -> pd.DataFrame:
    """Return the month's bill, on the day of the month on which the contract began."""
    state, charges, dealings = month.state, month.happenings.charges, month.happenings.dealings
    switched = charges.price_day <= state.start_day
    amount = np.where(switched, charges.price_after, charges.price_before)
    due = instants(state.month, state.start_day)
    delay = rng.integers(3, 9, len(state)).astype("timedelta64[D]")
    paid = np.where(dealings.failed, _unless(~dealings.recovered, due + delay), due)
    return pd.DataFrame(
        {
            "subscriber_no": customer_ids(state.who),
            "due_at": due,
            "amount": amount.round(2),
            "status": np.where(dealings.failed, "returned", "paid"),
            "paid_at": paid,
        }
    )[state.start_day < charges.last_day]


def _settlements(month: LivedMonth, rng: np.random.Generator) -> pd.DataFrame:
    """Return the payments that settle earlier months' bills."""
    state = month.state
    paid = instants(state.month, days_of_month(len(state), rng))
    settled = month.happenings.dealings.settled & ~month.happenings.exits.left
    return pd.DataFrame(
        {
            "subscriber_no": customer_ids(state.who),
            "due_at": paid,
            "amount": (state.arrears * month.happenings.charges.price_before).round(2),
            "status": "arrears",
            "paid_at": paid,
        }
    )[settled]


def _costs(month: LivedMonth, rng: np.random.Generator) -> list[pd.DataFrame]:
    charges, dealings = month.happenings.charges, month.happenings.dealings
    length = charges.last_day - charges.first_day
    trip = charges.first_day + length * rng.random(len(month.state))
    closing = charges.last_day - np.minimum(length, READ_OUT_DAYS)
    return [
        _cost(month, "network", closing, dealings.network_cost),
        _cost(month, "roaming", trip, dealings.roaming_cost),
        _cost(month, "handset", month.happenings.moves.day, dealings.handset_cost),
    ]


def _cost(month: LivedMonth, item: str, day: Floats, cost: Floats) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "subscriber_no": customer_ids(month.state.who),
            "booked_at": instants(month.state.month, day),
            "item": item,
            "cost": cost,
        }
    )[cost > 0]


def _unless(condition: Bools, moments: Instants) -> Instants:
    return np.where(condition, np.datetime64("NaT", "s"), moments)
