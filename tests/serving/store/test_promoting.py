"""What serves changes in one transaction, by whoever holds the newest token; on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from features.ingest.lock import WorkspaceBusyError
from features.mistakes import NotFoundError
from serving.store.database import LiveStore
from serving.store.fencing import (
    LEASE_SECONDS,
    StaleTokenError,
    end_lease,
    holding,
    issue_token,
    renew_lease,
    take_lease,
)
from serving.store.promoting import (
    Act,
    let_serve,
    list_promotions,
    promote_version,
    roll_back,
    version_below,
)
from serving.store.serving_version import ModelVersion, add_version, find_version
from tests.serving.store.conftest import OpenStore

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def act(action: str = "promote", reason: str = "because") -> Act:
    return Act(action, NOW, reason, "somebody", {"log_loss": 0.25})


def add(store: LiveStore, *versions: str) -> None:
    for version in versions:
        add_version(store, ModelVersion(version, "abc", NOW.isoformat()))


def test_a_promotion_is_on_record_with_who_why_and_figures(open_store: OpenStore) -> None:
    store = open_store()
    add(store, "1", "2")
    assert promote_version(store, "1", act(reason="the second one was odd")) is not None
    assert find_version(open_store()).version == "1"
    last = list_promotions(open_store())[-1]
    assert (last.version, last.version_before, last.action) == ("1", "2", "promote")
    assert (last.actor, last.reason) == ("somebody", "the second one was odd")
    assert (last.at, last.facts) == (NOW.isoformat(), {"log_loss": 0.25})


def test_promoting_what_serves_changes_nothing(store: LiveStore) -> None:
    add(store, "1")
    before = list_promotions(store)
    assert promote_version(store, "1", act()) is None
    assert list_promotions(store) == before


def test_rollbacks_go_back_one_by_one_and_a_promotion_after_them_counts_anew(
    store: LiveStore,
) -> None:
    add(store, "1", "2", "3")
    for expected in ("2", "1"):
        assert roll_back(store, expected, act("rollback")).version == expected
    with pytest.raises(NotFoundError, match="version 1, the first"):
        version_below(list_promotions(store))
    promote_version(store, "3", act())
    assert version_below(list_promotions(store)) == "1"


def test_a_rollback_to_what_is_not_below_any_more_changes_nothing(store: LiveStore) -> None:
    add(store, "1", "2", "3")
    with pytest.raises(StaleTokenError, match="version 2 is below"):
        roll_back(store, "1", act("rollback"))
    assert find_version(store).version == "3"


def test_a_stale_runner_cannot_promote(open_store: OpenStore) -> None:
    slept, awake = open_store(), open_store()
    add(slept, "1", "2")
    stale = take_lease(slept, "retraining", "one", NOW)
    fresh = take_lease(awake, "retraining", "other", NOW + timedelta(seconds=LEASE_SECONDS + 1))
    with pytest.raises(StaleTokenError), slept.writing() as connection:
        let_serve(connection, "1", act("retrain"), stale.token)
    assert find_version(slept).version == "2"
    with awake.writing() as connection:
        let_serve(connection, "1", act("retrain"), fresh.token)
    assert find_version(slept).version == "1"


def test_a_hand_that_promotes_makes_a_runner_stale(store: LiveStore) -> None:
    add(store, "1", "2", "3")
    held = take_lease(store, "retraining", "one", NOW)
    promote_version(store, "1", act())
    with pytest.raises(StaleTokenError), store.writing() as connection:
        let_serve(connection, "2", act("retrain"), held.token)
    assert find_version(store).version == "1"


def test_a_lease_keeps_others_away_until_it_ends_or_runs_out(open_store: OpenStore) -> None:
    one, other = open_store(), open_store()
    held = take_lease(one, "retraining", "one", NOW)
    with pytest.raises(WorkspaceBusyError, match="one holds the lease"):
        take_lease(other, "retraining", "other", NOW + timedelta(seconds=LEASE_SECONDS - 1))
    assert renew_lease(one, held, NOW + timedelta(seconds=LEASE_SECONDS - 1))
    with pytest.raises(WorkspaceBusyError):
        take_lease(other, "retraining", "other", NOW + timedelta(seconds=LEASE_SECONDS + 1))
    end_lease(one, held)
    taken = take_lease(other, "retraining", "other", NOW)
    assert taken.token > held.token
    assert not renew_lease(one, held, NOW)


def test_a_holder_who_comes_again_takes_over_from_itself(store: LiveStore) -> None:
    first = take_lease(store, "retraining", "one", NOW)
    again = take_lease(store, "retraining", "one", NOW)
    assert again.token == first.token + 1
    end_lease(store, first)
    assert renew_lease(store, again, NOW)


def test_a_lease_is_given_back_whatever_happens(store: LiveStore) -> None:
    with pytest.raises(RuntimeError), holding(store, "retraining", "one"):
        raise RuntimeError
    with holding(store, "retraining", "other"):
        pass


def test_tokens_are_issued_once_each(open_store: OpenStore) -> None:
    tokens = []
    for store in (open_store(), open_store()) * 3:
        with store.writing() as connection:
            tokens.append(issue_token(connection))
    assert tokens == sorted(set(tokens))
