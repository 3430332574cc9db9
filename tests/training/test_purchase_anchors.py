"""Both purchase models held together."""

import numpy as np
import pytest

from features.catalogue import signal_matrix
from features.kernel import Moment
from tests.training.worlds import Trained
from training.person_periods import Matrix
from training.purchase_anchor import Rhythm
from training.purchase_anchors import fit_purchase_anchors
from training.shop import ShopModel, weeks_ahead
from training.shop_rows import buyers_at

WEEKS = weeks_ahead(6, "calendar")


@pytest.fixture
def rhythm() -> Rhythm:
    rng = np.random.default_rng(1)
    age = rng.uniform(10, 80, 400)
    x = rng.poisson(rng.gamma(1, 0.1, 400) * age).astype(np.float64)
    return Rhythm(x, np.where(x > 0, age * rng.beta(3, 1, 400), 0.0), age)


def test_expected_purchases_lie_between_the_two_models(rhythm: Rhythm) -> None:
    anchors = fit_purchase_anchors(rhythm)
    assert anchors.pareto_nbd is not None
    of_both = [
        np.maximum(np.diff(model.expected_purchases(rhythm, WEEKS), prepend=0.0, axis=1), 1e-6)
        for model in (anchors.bg_nbd, anchors.pareto_nbd)
    ]

    expected = anchors.monthly_purchases(rhythm, WEEKS)

    np.testing.assert_allclose(np.square(expected), of_both[0] * of_both[1])
    assert (expected >= np.minimum(*of_both) * (1 - 1e-12)).all()
    assert (expected <= np.maximum(*of_both) * (1 + 1e-12)).all()


def test_where_nobody_bought_twice_one_model_answers(rhythm: Rhythm) -> None:
    none = np.zeros(len(rhythm.x))

    anchors = fit_purchase_anchors(Rhythm(none, none, rhythm.age))

    assert anchors.pareto_nbd is None
    expected = anchors.monthly_purchases(rhythm, WEEKS)
    np.testing.assert_array_equal(expected, anchors.level(rhythm, WEEKS))


def _inputs(shop: Trained, number: int) -> tuple[Matrix, Rhythm]:
    block, model = shop.blocks[number], shop.bundle.model
    references = shop.known.references
    moment = Moment(block.history, block.profiles, shop.known.cutoff, shop.business, references)
    buyers = buyers_at(moment)
    values = signal_matrix(moment, model.signals)[buyers.customer].astype(np.float32)
    return values, buyers.rhythm


def test_the_level_of_a_young_shop_is_that_of_bg_nbd(shop: Trained) -> None:
    model = shop.bundle.model
    assert isinstance(model, ShopModel)
    rows = [_inputs(shop, block_number) for block_number in range(len(shop.blocks))]
    expected = sum(model.expected_purchases(*row, WEEKS).sum(axis=0) for row in rows)
    level = sum(model.counts.level(row[1], WEEKS).sum(axis=0) for row in rows)

    np.testing.assert_allclose(expected, level, rtol=1e-6)
