"""Typical customers: means of enough people, and never of fewer."""

import numpy as np
import pytest

from features.kernel import Moment
from tests.training.worlds import Trained
from training.background import FEWEST_BEHIND_A_MEAN, fit_background
from training.credibility import Credibility
from training.explained import Money, mean_where_known
from training.explained_subscription import ExplainedSubscription
from training.subscription import SubscriptionModel

UNKNOWN = np.nan


def _explained(world: Trained) -> ExplainedSubscription:
    model = world.bundle.model
    assert isinstance(model, SubscriptionModel)
    return ExplainedSubscription(model, world.business)


def _moment(world: Trained, n_customers: int | None = None) -> Moment:
    """Return the first block at the cutoff, or its first customers alone."""
    block = world.blocks[0]
    kept = np.arange(n_customers or block.history.n_customers)
    history, profiles = block.history.customers(kept), block.profiles.customers(kept)
    references = world.bundle.references
    return Moment(history, profiles, world.known.cutoff, world.business, references)


def test_a_mean_is_that_of_whoever_is_known() -> None:
    values = np.array([[1.0, 5.0], [3.0, UNKNOWN], [UNKNOWN, UNKNOWN]])

    assert mean_where_known(values, fewest=1)[0] == 2.0


def test_what_is_known_of_few_is_typically_not_known() -> None:
    values = np.array([[1.0, 5.0], [3.0, UNKNOWN], [2.0, UNKNOWN]])

    assert mean_where_known(values, fewest=3).tolist() == [2.0, pytest.approx(UNKNOWN, nan_ok=True)]
    assert np.isnan(mean_where_known(values, fewest=1)[1])


def test_money_by_player_adds_up_to_what_the_model_expects() -> None:
    money = Money(np.array([[12.0, -3.0], [0.0, 0.0]]), exposure=np.array([6.0, 0.0]))
    credibility = Credibility(mean=1.5, half_months=6.0)

    by_player = money.expected(np.array([2.0, -0.5]), credibility)

    # Half own mean, half the portfolio's: (2 + 2) / 2 and (-0.5 - 0.5) / 2.
    assert by_player.tolist() == [[2.0, -0.5], [2.0, -0.5]]
    total = credibility.expected(money.total.sum(axis=1), money.exposure)
    np.testing.assert_allclose(by_player.sum(axis=1), total)


def test_a_typical_term_is_one_that_exists_and_falls_due_in_a_whole_month(
    operator: Trained,
) -> None:
    background = operator.bundle.background
    assert background is not None
    names = [number.name for number in _explained(operator).inputs]
    for typical in (background.of_all, *background.of_groups.values()):
        known = dict(zip(names, typical.inputs.tolist(), strict=True))
        assert known["term_months"] in {0.0, 12.0}
        renewal = known["months_to_renewal"]
        assert np.isnan(renewal) if known["term_months"] == 0 else renewal in range(1, 13)


def test_a_group_of_too_few_is_held_against_all(operator: Trained) -> None:
    explained, moment = _explained(operator), _moment(operator)
    group = explained.read(moment, 12).group
    counts = np.bincount(group, minlength=explained.n_groups)

    background = fit_background(explained, [moment], 12)

    assert background is not None
    assert set(background.of_groups) == set(np.flatnonzero(counts >= FEWEST_BEHIND_A_MEAN))
    assert background.of(explained.n_groups - 1 if counts[-1] < 20 else 99) is background.of_all


def test_fewer_than_twenty_customers_make_no_background(operator: Trained) -> None:
    explained = _explained(operator)
    there = explained.read(_moment(operator), 12).customer

    few, enough = (_moment(operator, int(there[n - 1]) + 1) for n in (19, 20))

    assert fit_background(explained, [few], 12) is None
    background = fit_background(explained, [enough], 12)
    assert background is not None
    assert set(background.of_groups) <= {0, 1, 2, 3, 4}
    everybodys = explained.read(enough, 12).path
    np.testing.assert_allclose(background.of_all.path, everybodys.mean(axis=0))


def test_a_path_stays_level_beyond_the_months_it_is_known_for(operator: Trained) -> None:
    background = operator.bundle.background
    assert background is not None
    path = background.of_all.path

    longer = background.of_all.path_of(len(path) + 2)

    assert longer.tolist() == [*path.tolist(), path[-1], path[-1]]
