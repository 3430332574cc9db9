"""The canary is silent over what is known, and loud over a definition that knows more."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from features import canary, kernel
from features.asked import Asked, Inputs, asked_at
from features.blocks import Block
from features.canary import LeakFoundError, require_no_leak, sampled
from features.history import History
from features.log import Log
from features.population import PopulationCounts, plans_in_force, population_counts
from features.profiles import Profiles, profiles_of
from features.rules import CustomerRules
from features.snapshots import write_snapshots
from tests.features.synthetic_log import write_synthetic_log

AS_OF = datetime(2023, 6, 1, tzinfo=UTC)
CONTRACTS = ("subscription", "transactional")


def rules_of(contract: str) -> CustomerRules:
    return CustomerRules(contract=contract, currency="EUR")


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Log:
    return write_synthetic_log(tmp_path_factory.mktemp("log") / "state", 6_000, 150, 1)


def watch(log: Log, contract: str) -> Asked:
    inputs = Inputs(log, rules_of(contract), ("country",))
    (asked,) = asked_at(inputs, [AS_OF])
    events = log.read_events(0)
    ids = sorted(set(events.column("customer_id").to_pylist()))
    profiles = profiles_of(log.read_customers(ids), ids, ["country"])
    require_no_leak(events, profiles, inputs.rules, asked)
    return asked


def everything(self: History, as_of: int) -> History:
    return self


@pytest.mark.parametrize("contract", CONTRACTS)
def test_what_became_known_later_moves_no_signal_of_the_catalogue(log, contract):
    assert len(watch(log, contract).signals) > 100


def test_a_kernel_that_looks_beyond_the_instant_is_caught(log, monkeypatch):
    monkeypatch.setattr(History, "visible_before", everything)
    with pytest.raises(LeakFoundError) as found:
        watch(log, "subscription")
    assert "as of 2023-06-01T00:00:00+00:00, for 150 of 150 customers" in str(found.value)
    assert ": tenure_months, " in str(found.value)


def test_a_kernel_that_counts_what_was_recorded_late_is_caught(log, monkeypatch):
    def occurred_before(self: History, as_of: int) -> History:
        return self.rows(np.flatnonzero(self.occurred < as_of))

    monkeypatch.setattr(History, "visible_before", occurred_before)
    with pytest.raises(LeakFoundError, match="for 150 of 150 customers"):
        watch(log, "subscription")


def test_a_kernel_that_believes_dates_in_the_future_is_caught(log, monkeypatch):
    def recorded_before(self: History, as_of: int) -> History:
        # What occurs later but was recorded before: only the planted events are like that.
        is_recorded = (self.visible < as_of) | (self.occurred == self.visible)
        return self.rows(np.flatnonzero(is_recorded & (self.occurred < as_of + 2 * 86_400_000_000)))

    monkeypatch.setattr(History, "visible_before", recorded_before)
    with pytest.raises(LeakFoundError, match="of 150 customers"):
        watch(log, "subscription")


def test_attributes_of_who_is_acquired_later_are_caught(log, monkeypatch):
    monkeypatch.setattr(Profiles, "known_at", lambda self, *_: self)
    with pytest.raises(LeakFoundError, match=r"signals knew the future .* for 150 of") as found:
        watch(log, "subscription")
    assert "referred, country_is_at" in str(found.value)


def test_references_that_count_what_became_known_later_are_caught(log, monkeypatch):
    def counted_later(block: Block, rules: CustomerRules, as_of: int) -> PopulationCounts:
        return population_counts(block, rules, as_of + 2 * 86_400_000_000)

    monkeypatch.setattr(canary, "population_counts", counted_later)
    with pytest.raises(LeakFoundError, match=r"references knew the future as of 2023-06-01T00:00"):
        watch(log, "subscription")
    watch(log, "transactional")


def test_prices_that_count_before_they_are_in_force_are_caught(log, monkeypatch):
    def in_force_that_day(plans: pa.Table, as_of: int) -> dict:
        return plans_in_force(plans, as_of + 1)

    monkeypatch.setattr(canary, "plans_in_force", in_force_that_day)
    with pytest.raises(LeakFoundError, match="references knew the future"):
        watch(log, "subscription")


def test_one_signal_that_leaks_is_named_alone(log, monkeypatch):
    honest = kernel.Moment.matrix

    def leaking(self, program):
        matrix = honest(self, program)
        matrix[:, 3] += len(self.history.labels)
        return matrix

    # A label that only later events bear enters the dictionary of a block.
    monkeypatch.setattr(kernel.Moment, "matrix", leaking)
    inputs = Inputs(log, rules_of("subscription"), ("country",))
    name = asked_at(inputs, [AS_OF])[0].signals[3].name
    with pytest.raises(LeakFoundError, match=f"1 signals knew the future .*: {name}[.]"):
        watch(log, "subscription")


def test_a_build_that_leaks_publishes_nothing_and_keeps_no_parts(log, tmp_path, monkeypatch):
    monkeypatch.setattr(History, "visible_before", everything)
    inputs = Inputs(log, rules_of("subscription"), ("country",))
    with pytest.raises(LeakFoundError, match="nothing was published"):
        write_snapshots(inputs, {AS_OF: tmp_path / "there"}, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_the_sample_is_one_customer_in_fifty_up_to_two_hundred_spread_evenly():
    assert sampled(np.arange(250)).tolist() == [0, 62, 124, 186, 249]
    assert sampled(np.array([7])).tolist() == [7]
    assert sampled(np.arange(0)).tolist() == []
    assert len(sampled(np.arange(1_000_000))) == 200
