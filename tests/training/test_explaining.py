"""What must hold of every explanation: it adds up to the score, and says what moved it."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest

from features.blocks import Block, block_of
from features.instants import datetime_of
from features.log import EVENT_SCHEMA
from tests.training.worlds import Trained
from training.explaining import MOST_REASONS, Explanation, explain, explain_change
from training.scoring import score

A_FEW = 25


@pytest.fixture(params=["operator", "shop"])
def world(request: pytest.FixtureRequest) -> Trained:
    trained: Trained = request.getfixturevalue(request.param)
    return trained


def _few(world: Trained) -> Block:
    block = world.blocks[0]
    kept = np.arange(min(A_FEW, block.history.n_customers))
    return Block(block.history.customers(kept), block.profiles.customers(kept))


def _explained(world: Trained, block: Block) -> Mapping[str, Explanation]:
    return explain(world.bundle, block, world.known.cutoff)


def test_baseline_and_contributions_add_up_to_clv(world: Trained) -> None:
    block = _few(world)
    scores = score(world.bundle, block, world.known.cutoff)
    value = dict(zip(scores.customer_ids, scores.clv, strict=True))

    told = _explained(world, block)

    assert set(told) == set(scores.customer_ids[scores.forecast.is_customer])
    for customer_id, one in told.items():
        total = one.baseline + sum(one.contributions.values())
        assert total == pytest.approx(value[customer_id], rel=1e-9, abs=1e-9)
        assert len(one.reasons) <= MOST_REASONS


def test_terms_of_the_call_hold_for_explanations_too(world: Trained) -> None:
    block, terms = _few(world), {"horizon_months": 7, "annual_discount_rate": 0.3}
    scores = score(world.bundle, block, world.known.cutoff, **terms)  # type: ignore[arg-type]
    value = dict(zip(scores.customer_ids, scores.clv, strict=True))

    told = explain(world.bundle, block, world.known.cutoff, **terms)  # type: ignore[arg-type]

    for customer_id, one in told.items():
        total = one.baseline + sum(one.contributions.values())
        assert total == pytest.approx(value[customer_id], rel=1e-9, abs=1e-9)


def test_an_explanation_does_not_depend_on_who_else_is_explained(world: Trained) -> None:
    block = _few(world)
    together = _explained(world, block)
    last = block.history.n_customers - 1
    alone = Block(
        block.history.customers(np.array([last])), block.profiles.customers(np.array([last]))
    )

    for customer_id, one in _explained(world, alone).items():
        assert one == together[customer_id]


def test_whoever_has_left_is_not_explained(operator: Trained) -> None:
    block = operator.blocks[0]
    there = score(operator.bundle, block, operator.known.cutoff).forecast.is_customer
    gone = np.flatnonzero(~there)[:3]

    lost = Block(block.history.customers(gone), block.profiles.customers(gone))

    assert len(gone) == 3
    assert _explained(operator, lost) == {}


def test_a_planted_downgrade_costs_value_by_the_plan_and_is_told(operator: Trained) -> None:
    customer_id = _on_max(operator)
    before, after = _block_of(operator, customer_id), _downgraded(operator, customer_id)
    cutoff = operator.known.cutoff

    shared = explain_change(operator.bundle, before, after, cutoff)

    values = [score(operator.bundle, block, cutoff).clv[0] for block in (before, after)]
    assert shared is not None
    assert sum(shared.values()) == pytest.approx(values[1] - values[0], rel=1e-9)
    assert shared["plan"] < 0
    assert shared["plan"] == min(shared.values())
    assert shared["support"] == 0


def test_the_sentence_of_a_move_names_both_plans_and_when(operator: Trained) -> None:
    block = _downgraded(operator, _on_max(operator))
    (one,) = explain(operator.bundle, block, operator.known.cutoff).values()

    assert one.contributions["plan"] < -100
    assert one.reasons[0].startswith("moved from Max to Basic 12 days ago: -")
    assert one.reasons[0].endswith(f"{one.contributions['plan']:,.0f} EUR")


def _on_max(world: Trained) -> str:
    """Return a customer who has long been on the dearest plan."""
    block = world.blocks[0]
    scores = score(world.bundle, block, world.known.cutoff)
    mrr = scores.naive["naive_value_x_months"]
    return str(scores.customer_ids[int(np.argmax(mrr))])


def _events(world: Trained, customer_id: str) -> pa.Table:
    parts = [
        world.log.read_events(bucket, None, [customer_id]) for bucket in range(world.log.n_buckets)
    ]
    return pa.concat_tables(parts)


def _block_of(world: Trained, customer_id: str, *more: pa.Table) -> Block:
    events = pa.concat_tables([_events(world, customer_id), *more])
    attributes = list(world.bundle.vocabulary.levels)
    return block_of(events, world.log.read_customers([customer_id]), world.business, attributes)


def _downgraded(world: Trained, customer_id: str) -> Block:
    """Return the customer as they would be had they moved to Basic twelve days ago."""
    when = datetime_of(world.known.cutoff - 12 * 86_400_000_000)
    move = {
        "event_id": "planted",
        "customer_id": customer_id,
        "kind": "plan_change",
        "occurred_at": when,
        "recorded_at": when,
        "amount": 9.99,
        "list_amount": 9.99,
        "label": "Basic",
    }
    return _block_of(world, customer_id, pa.Table.from_pylist([move], EVENT_SCHEMA))
