"""Earlier cutoffs: where they lie, what is known there, and from how many landmarks."""

import numpy as np
import pytest

from features.months import shift_months
from tests.training.worlds import Trained
from training.actual import actual_after
from training.known import Known
from training.rolling import Model, earlier_origins, landmarks_of_refits, window_months
from valuation.lifetime_value import clv


class Recording:
    """Answer with one model, and keep what it was asked to learn from."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.asked: list[Known] = []

    def __call__(self, then: Known) -> Model:
        self.asked.append(then)
        return self.model


@pytest.mark.parametrize(
    ("n_customers", "most"), [(0, 24), (33_000, 24), (100_000, 8), (1_000_000, 6)]
)
def test_the_more_customers_there_are_the_fewer_landmarks_a_refit_needs(
    n_customers: int, most: int
) -> None:
    assert landmarks_of_refits(n_customers) == most


def test_refits_stand_half_a_window_apart_and_see_no_more_than_was_known(operator: Trained) -> None:
    known, fit = operator.known, Recording(operator.bundle.model)
    months = window_months(known)

    earlier_origins(known, fit, n_customers=10**6)

    back = months + np.arange(3) * max(1, months // 2)
    expected = shift_months(known.cutoff, -back, known.business.month)
    assert [then.cutoff for then in fit.asked] == expected.tolist()[: len(fit.asked)]
    for then in fit.asked:
        assert then.log is known.log
        assert len(then.landmarks) <= 6
        assert max(landmark.as_of for landmark in then.landmarks) < then.cutoff


def test_an_origin_holds_what_came_of_the_customers_there(operator: Trained) -> None:
    known, fit = operator.known, Recording(operator.bundle.model)
    months = window_months(known)

    origin = earlier_origins(known, fit, n_customers=0)[0]

    realised = []
    for block in known.blocks():
        actual = actual_after(block, fit.asked[0].cutoff, months, known.business)
        realised.append(clv(actual.margin, known.business.annual_discount_rate))
    assert origin.forecast.churn.shape == (len(origin.realised), months)
    assert origin.forecast.is_customer.all()
    assert np.isin(origin.realised, np.concatenate(realised)).all()
    assert (origin.event_month <= months).all()
    assert 0 < (origin.event_month > 0).mean() < 0.5
