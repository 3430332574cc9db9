"""The canary: what became known at or after an instant must not move any signal of it.

A few customers of every build are computed twice: from what was visible alone, and from
everything the log holds of them, with events planted that would give the outcome away. What they
add to the population's references, and what the customers table says of people acquired later,
is tried in the same way. Words are counted in the log as a whole: no sample can try them.
"""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.asked import Asked
from features.blocks import Block
from features.catalogue import signal_matrix
from features.history import History, history_from_events
from features.instants import instant_of
from features.kernel import Moment
from features.planted import events_planted, prices_planted, profiles_planted
from features.population import plans_in_force, population_counts
from features.profiles import Profiles, unknown_profiles
from features.rules import CustomerRules

SAMPLE_SIZE = 200
FEWEST_BEHIND_ONE = 50
"""One customer in so many is looked at, so that the canary costs little of a small build too."""
_MOST_NAMED = 10


class LeakFoundError(RuntimeError):
    """Say that a signal knew what nobody could know yet."""


def sampled(customers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some of these customers, spread evenly and always the same."""
    size = min(SAMPLE_SIZE, -(-len(customers) // FEWEST_BEHIND_ONE))
    places = np.linspace(0, len(customers) - 1, size)
    return customers[places.astype(np.int64)]


def require_no_leak(
    events: pa.Table, profiles: Profiles, rules: CustomerRules, asked: Asked
) -> None:
    """Compare what is computed with and without what could not be known, bit for bit.

    Parameters
    ----------
    events
        Everything known of some customers, whenever it happened; contract columns.
    profiles
        What the customers table says of them, in the order of their ids.

    Raises
    ------
    LeakFoundError
        If a signal differs for anybody, or what they add to the population's references.
    """
    ids = sorted(set(events.column("customer_id").to_pylist()))
    everything = pa.concat_tables([events, events_planted(events, asked.as_of)])
    visible = events.filter(_was_visible(events, asked.as_of))
    alone, beside = (
        history_from_events(table, rules.minor_units, ids, rules.usage_scale)
        for table in (visible, everything)
    )
    _require_same_signals(Block(alone, profiles), Block(beside, profiles), rules, asked)
    _require_same_signals(
        Block(alone, unknown_profiles(len(ids))),
        Block(alone, profiles_planted(profiles, asked.as_of)),
        rules,
        asked,
    )
    _require_same_references(alone, beside, profiles, rules, asked)


def _require_same_signals(known: Block, more: Block, rules: CustomerRules, asked: Asked) -> None:
    alone, beside = (
        signal_matrix(
            Moment(block.history, block.profiles, instant_of(asked.as_of), rules, asked.references),
            asked.signals,
        )
        for block in (known, more)
    )
    moved = _differs(alone, beside)
    if moved.any():
        raise LeakFoundError(_told(moved, asked))


def _require_same_references(
    alone: History, beside: History, profiles: Profiles, rules: CustomerRules, asked: Asked
) -> None:
    as_of = instant_of(asked.as_of)
    moved = bool(plans_in_force(prices_planted(asked.as_of), as_of))
    if rules.contract == "subscription":
        known, more = (
            population_counts(Block(history, profiles), rules, as_of) for history in (alone, beside)
        )
        moved |= known != more
    if moved:
        raise LeakFoundError(
            f"The population's references knew the future as of {asked.as_of.isoformat()}. "
            "Expected that nothing recorded or occurring then or later moves the price ladder, "
            "the allowances or what cohorts pay; nothing was published. Mend their definition."
        )


def _differs(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Compare bits, as equal numbers may hide a sign; what is missing in both is equal."""
    same_bits = np.ascontiguousarray(one).view(np.int64) == np.ascontiguousarray(other).view(
        np.int64
    )
    return ~(same_bits | (np.isnan(one) & np.isnan(other)))


def _told(moved: NDArray[np.bool_], asked: Asked) -> str:
    names = [asked.signals[number].name for number in np.flatnonzero(moved.any(axis=0))]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    n_customers = int(moved.any(axis=1).sum())
    return (
        f"{len(names)} signals knew the future as of {asked.as_of.isoformat()}, for {n_customers} "
        f"of {len(moved)} customers looked at: {', '.join(names[:_MOST_NAMED])}{more}. Expected "
        "that nothing recorded, occurring or acquired then or later moves them; nothing was "
        "published. Mend their definition."
    )


def _was_visible(events: pa.Table, as_of: datetime) -> pa.ChunkedArray:
    limit = pa.scalar(as_of, pa.timestamp("us", tz="UTC"))
    return pc.and_(
        pc.less(events.column("occurred_at"), limit), pc.less(events.column("recorded_at"), limit)
    )
