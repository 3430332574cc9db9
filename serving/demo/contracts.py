"""The contract system's journal of moves, complete since each customer joined."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from serving.demo.blocks import Bools, Column, Floats, Instants
from serving.demo.crm import customer_ids, local_times
from serving.demo.history import History, LivedMonth
from serving.demo.instants import instants
from serving.demo.parameters import OperatorParameters
from serving.demo.population import NEVER
from serving.demo.transition import is_repriced


def contract_table(history: History) -> pd.DataFrame:
    """Return one row per move, in the order in which they were ordered; times are local.

    Columns: `subscriber_no, move, ordered_at, valid_from, tariff, fee, standard_fee,
    commitment_months, reason`. An empty `valid_from` means at once.
    """
    months = [*history.warm_up, *history.observed]
    rows = pd.concat([part for month in months for part in _moves(month)])
    rows = rows.sort_values(["ordered_at", "subscriber_no"], kind="stable", ignore_index=True)
    for column in ("ordered_at", "valid_from"):
        rows[column] = local_times(rows[column].to_numpy())
    return rows


def _moves(month: LivedMonth) -> Iterator[pd.DataFrame]:
    joining = month.state.take(month.state.tenure_months == 0)
    if len(joining):
        yield from _joinings(month)
    if is_repriced(month.state, month.params).any():
        yield from _repricings(month)
    yield from _plan_moves(month)
    yield from _endings(month)


def _joinings(month: LivedMonth) -> Iterator[pd.DataFrame]:
    """Yield activations, and the ends of discounts that are booked with them."""
    state = month.state
    joins = state.tenure_months == 0
    term = np.where(state.term_left > 0, state.term_left, np.nan)
    ordered = instants(state.month, state.start_day)
    fee = np.round(month.happenings.charges.price_before, 2)
    offer = _offer(state.plan, month.params) | {"fee": fee, "commitment_months": term}
    yield _rows(month, joins, "ACTIVATION", ordered, **offer)
    yield _promotion_ends(month, joins & (state.discount_left != NEVER))


def _promotion_ends(month: LivedMonth, chosen: Bools) -> pd.DataFrame:
    """Return the ends of discounts, booked on the day of the bill."""
    state = month.state
    left = state.term_left - state.discount_left
    rest = np.where(left > 0, left, np.nan)
    ends = instants(state.month + np.maximum(state.discount_left, 0), state.start_day)
    after = _offer(state.plan, month.params) | {"commitment_months": rest, "valid_from": ends}
    ordered = instants(state.month, state.start_day)
    return _rows(month, chosen, "PROMOTION_END", ordered, **after)


def _repricings(month: LivedMonth) -> Iterator[pd.DataFrame]:
    """Yield new list prices on the day of the bill, and what was booked at the old ones anew."""
    state, charges = month.state, month.happenings.charges
    ordered = instants(state.month, state.start_day)
    chosen = is_repriced(state, month.params) & (charges.price_day == state.start_day)
    chosen &= state.start_day < charges.last_day
    plan = np.where(state.booked_in == 0, state.booked_plan, state.plan)
    term = np.where(state.term_left > 0, state.term_left, np.nan)
    new = {"fee": np.round(charges.price_after, 2), "commitment_months": term}
    yield _rows(month, chosen, "REPRICING", ordered, **(_offer(plan, month.params) | new))
    yield _promotion_ends(month, chosen & (state.discount_left > 0))
    starts = instants(state.month + np.maximum(state.booked_in, 0), state.start_day)
    booked = _offer(state.booked_plan, month.params) | {"valid_from": starts}
    yield _rows(month, chosen & (state.booked_in > 0), "TARIFF_CHANGE", ordered, **booked)


def _plan_moves(month: LivedMonth) -> Iterator[pd.DataFrame]:
    """Yield changes of tariff, at once or booked, and extensions of the contract."""
    moves, state, params = month.happenings.moves, month.state, month.params
    ordered = instants(state.month, moves.day)
    term = np.where(moves.new_term, float(params.newcomers.term_months), np.nan)
    due = instants(state.month + np.maximum(moves.booked_in, 0), state.start_day)
    starts = np.where(moves.booked_in != NEVER, due, np.datetime64("NaT", "s"))
    offer = _offer(moves.plan, params) | {"commitment_months": term, "valid_from": starts}
    yield _rows(month, moves.up | moves.down, "TARIFF_CHANGE", ordered, **offer)
    yield _rows(month, moves.renewed, "EXTENSION", ordered, **offer)


def _endings(month: LivedMonth) -> Iterator[pd.DataFrame]:
    """Yield notices a month ahead, their withdrawals, and disconnections at once."""
    exits, now = month.happenings.exits, month.state.month
    day = instants(now, exits.day)
    goes = instants(now + 1, exits.day)
    yield _rows(month, exits.asked, "TERMINATION", day, valid_from=goes, reason="customer")
    yield _rows(month, exits.disconnected, "TERMINATION", day, reason="dunning")
    withdrawn = instants(now, exits.withdrawal_day)
    yield _rows(month, exits.withdrew, "TERMINATION_REVOKED", withdrawn)


def _offer(plan: Column, params: OperatorParameters) -> dict[str, Column]:
    """Return tariff and fees of plans at their list price."""
    fee: Floats = np.asarray(params.plans.list_prices)[plan]
    return {"tariff": np.asarray(params.plans.names)[plan], "fee": fee, "standard_fee": fee}


def _rows(
    month: LivedMonth, chosen: Bools, move: str, ordered: Instants, **columns: Column | str
) -> pd.DataFrame:
    """Return the moves of the chosen customers; columns that are not given are empty."""
    n = len(month.state)
    empty: dict[str, Column] = {
        "valid_from": np.full(n, np.datetime64("NaT", "s")),
        "tariff": np.full(n, None),
        "fee": np.full(n, np.nan),
        "standard_fee": np.full(n, np.nan),
        "commitment_months": np.full(n, np.nan),
        "reason": np.full(n, None),
    }
    given = {name: np.broadcast_to(values, n) for name, values in columns.items()}
    first = {"subscriber_no": customer_ids(month.state.who), "move": move, "ordered_at": ordered}
    frame = pd.DataFrame(first | empty | given)[chosen]
    frame["commitment_months"] = frame["commitment_months"].astype("Int64")
    return frame
