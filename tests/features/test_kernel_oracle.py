"""The kernel beside SQL generated from the same catalogue: bit for bit on random histories."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.contract import KINDS
from features.expressions import (
    ActiveDays,
    Count,
    CountSince,
    DaysSince,
    Deviation,
    DistinctLabels,
    Expression,
    Largest,
    Latest,
    Mean,
    Total,
)
from features.plan_moves import MOVES
from features.signal import Signal
from tests.features.random_events import RANDOM_RULES
from tests.features.sql_form.parity import differences
from tests.features.sql_form.worlds import business_of, form_of, new_form, random_world
from tests.features.strategies import RANDOMS

ANY_RULES = st.sampled_from(RANDOM_RULES)
OF_EACH_RULES = pytest.mark.parametrize(
    "rules", RANDOM_RULES, ids=lambda rules: f"{rules.month}-{rules.term_end}-{rules.currency}"
)
PURCHASES = ("purchase", "repeat_purchase", "purchase_gap", "failure_recovered")
MEASURED = ("purchase_gap", "review")
HAPPENINGS = (
    *(kind.name for kind in KINDS),
    *("usage:minutes", "usage:searches", "support:high", "payment:it's", "payment:nobody"),
    *MOVES,
    "downgrade_to_floor",
    *PURCHASES,
)


def of_happening(happening: str) -> list[Expression]:
    """Return every primitive of one happening; purchases have no labels, all usage no unit."""
    found: list[Expression] = [
        *(Count(happening, days) for days in (None, 7, 90)),
        *(DaysSince(happening, which) for which in ("latest", "first")),
        *(ActiveDays(happening, days) for days in (7, 180)),
    ]
    if happening != "usage":
        found += [Total(happening, days) for days in (None, 365)]
        found += [primitive(happening) for primitive in (Largest, Latest, Mean)]
    if happening not in PURCHASES:
        found += [DistinctLabels(happening, 180)]
    if happening in MEASURED:
        found += [Deviation(happening)]
    others = Random(happening).sample(HAPPENINGS, 2)
    return found + [CountSince(happening, other) for other in others]


def signals_of_everything() -> list[Signal]:
    """Return a signal for every primitive on every happening, in the catalogue or not."""
    every = [expression for happening in HAPPENINGS for expression in of_happening(happening)]
    return [Signal(f"{n}", repr(leaf), "", leaf, "") for n, leaf in enumerate(every)]


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(RANDOMS, ANY_RULES)
def test_every_signal_equals_sql_on_random_histories(rng, rules):
    world = random_world(rng, rules, n_customers=12, most=16, n_instants=3)

    assert world.differences(rules) == []


@OF_EACH_RULES
def test_every_signal_equals_sql_on_many_customers(rules):
    rng = Random(RANDOM_RULES.index(rules))
    world = random_world(rng, rules, n_customers=1200, most=30, n_instants=8)

    assert world.differences(rules)[:5] == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(RANDOMS, ANY_RULES)
def test_every_signal_equals_sql_on_very_many_random_histories(rng, rules):
    world = random_world(rng, rules, n_customers=15, most=20, n_instants=4)

    assert world.differences(rules) == []


@pytest.mark.long
@OF_EACH_RULES
@pytest.mark.parametrize("seed", range(4))
def test_every_signal_equals_sql_on_very_many_customers(rules, seed):
    world = random_world(Random(seed), rules, n_customers=4000, most=40, n_instants=9)

    assert world.differences(rules)[:5] == []


@pytest.mark.long
def test_every_primitive_of_every_happening_equals_sql():
    business = business_of(RANDOM_RULES[0], signals_of_everything())
    world = random_world(Random(1), business.rules, n_customers=1500, most=30, n_instants=3)

    found = differences(business, new_form(business), world.events, world.references)

    assert found[:5] == []


def test_the_comparison_sees_what_another_rule_changes():
    rolls, lapses = (
        RANDOM_RULES[0].model_copy(update={"term_end": end}) for end in ("rolls", "lapses")
    )
    world = random_world(Random(7), rolls, n_customers=300, most=20, n_instants=3)

    found = differences(business_of(rolls), form_of(lapses), world.events, world.references)

    assert {"mrr", "open_subscriptions"} <= {difference.signal for difference in found}


def test_the_comparison_sees_another_scale_of_usage():
    finer = RANDOM_RULES[0]
    world = random_world(Random(7), finer, n_customers=300, most=20, n_instants=3)

    found = differences(
        business_of(finer),
        form_of(finer.model_copy(update={"usage_scale": {}})),
        world.events,
        world.references,
    )

    named = {difference.signal for difference in found}
    assert {"searches_30d", "searches_of_allowance_30d"} <= named
    assert not any(name.startswith("minutes") for name in named)
