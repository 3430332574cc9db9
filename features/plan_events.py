"""Which plan events count, and of which subscription: what was withdrawn or overtaken does not."""

import numpy as np
from numpy.typing import NDArray

from features.contract import KIND_CODES, PLAN_KINDS
from features.history import History

_CANCEL = KIND_CODES["cancel"]
_WITHDRAWN = KIND_CODES["cancel_withdrawn"]
_SUBSCRIBE = KIND_CODES["subscribe"]
_OF_SUBSCRIPTIONS = (*PLAN_KINDS, "cancel", "cancel_withdrawn")


def subscriptions_of(history: History) -> NDArray[np.int32]:
    """Return the subscription of each event, shape (n_events,), also where none is named.

    A plan event that names none is of the one named last before, so that nothing later moves it;
    where none is named before, of the one named first. Once a subscription was begun without a
    name, what names none is of that one.
    """
    rows = history.of_kind(*_OF_SUBSCRIPTIONS)
    subscription, customer = history.subscription[rows], history.customer[rows]
    is_named = subscription > 0
    if is_named.all() or not is_named.any():
        return history.subscription
    index = np.arange(len(rows))
    first = np.searchsorted(customer, customer)
    begun_unnamed = _latest(index, ~is_named & (history.kind[rows] == _SUBSCRIBE)) >= first
    before = _latest(index, is_named)
    after = len(rows) - 1 - _latest(index, is_named[::-1])[::-1]
    names = np.where(before >= first, before, np.minimum(after, len(rows) - 1))
    is_found = is_named[names] & (customer[names] == customer) & ~begun_unnamed
    known = history.subscription.copy()
    known[rows] = np.where(is_named, subscription, np.where(is_found, subscription[names], 0))
    return known


def _latest(index: NDArray[np.int64], marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the index of the latest mark up to each, -1 where there was none."""
    return np.maximum.accumulate(np.where(marked, index, -1))


def rows_in_effect(history: History, subscription: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return rows of plan events and of cancellations that count, by subscription and effect.

    `subscription` is that of each event of the history, as `subscriptions_of` says.
    """
    rows = history.of_kind(*_OF_SUBSCRIPTIONS)
    if (history.kind[rows] == _WITHDRAWN).any():
        rows = rows[np.lexsort((subscription[rows], history.customer[rows]))]
        rows = rows[~_withdrawn(history, rows, _groups(history, rows, subscription))]
    # Stable, and of two rows of one subscription the earlier already comes first.
    keys = (history.effective[rows], subscription[rows], history.customer[rows])
    rows = rows[np.lexsort(keys)]
    if not (history.kind[rows] == _CANCEL).any():
        return rows
    rows = rows[~_overtaken_changes(history, rows, subscription)]
    return rows[~_cancelled_before_they_began(history, rows, subscription)]


def _withdrawn(
    history: History, rows: NDArray[np.int64], group: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Mark withdrawals, and the cancellations that were withdrawn before they took effect."""
    kind = history.kind[rows]
    index = np.arange(len(rows))
    is_withdrawal = kind == _WITHDRAWN
    next_one = np.minimum.accumulate(np.where(is_withdrawal, index, len(rows))[::-1])[::-1]
    inside = np.minimum(next_one, len(rows) - 1)
    reached = (next_one < len(rows)) & (group[inside] == group)
    in_time = history.effective[rows] > history.occurred[rows[inside]]
    return is_withdrawal | ((kind == _CANCEL) & reached & in_time)


def _overtaken_changes(
    history: History, rows: NDArray[np.int64], subscription: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark changes booked before a cancellation that takes effect ahead of them."""
    kind = history.kind[rows]
    is_change = (kind != _CANCEL) & (kind != _SUBSCRIBE)
    group = _groups(history, rows, subscription)
    return is_change & (_latest_asked(rows, group, kind == _CANCEL) > rows)


def _cancelled_before_they_began(
    history: History, rows: NDArray[np.int64], subscription: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark subscriptions booked before a cancellation that finds none begun to end."""
    kind = history.kind[rows]
    group = _groups(history, rows, subscription)
    ends_one = np.zeros(len(rows), dtype=bool)
    ends_one[1:] = (group[1:] == group[:-1]) & (kind[:-1] != _CANCEL)
    idle = (kind == _CANCEL) & ~ends_one
    return (kind == _SUBSCRIBE) & (_latest_asked(rows, group, idle) > rows)


def _latest_asked(
    rows: NDArray[np.int64], group: NDArray[np.int64], marked: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the latest row among the marked ones of its group up to each, -1 for none."""
    base = group * (int(rows.max(initial=0)) + 2)
    return np.maximum.accumulate(base + np.where(marked, rows + 1, 0)) - base - 1


def _groups(
    history: History, rows: NDArray[np.int64], subscription: NDArray[np.int32]
) -> NDArray[np.int64]:
    customer, of_row = history.customer[rows], subscription[rows]
    changes = (customer[1:] != customer[:-1]) | (of_row[1:] != of_row[:-1])
    return np.concatenate([[0], np.cumsum(changes)])[: len(rows)]
