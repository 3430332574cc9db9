"""Return on investment is gain less cost over cost, and unknown where nothing was spent."""

import pytest

from valuation.campaign_return import campaign_return
from valuation.effects import Effect

EFFECT = Effect(3.0, 1.0, 5.0, 1.0, 10.0, 7.0, 100, 50)


def test_net_and_return_by_hand():
    found = campaign_return(EFFECT, cost=150.0)

    assert found.net == (150.0, -50.0, 350.0)
    assert found.return_on_investment == pytest.approx((1.0, -1 / 3, 7 / 3))


def test_a_campaign_that_cost_nothing_has_no_return_on_it():
    found = campaign_return(EFFECT, cost=0.0)

    assert found.net == (300.0, 100.0, 500.0)
    assert found.return_on_investment is None


def test_a_negative_cost_is_refused():
    with pytest.raises(ValueError, match=r"cost is -1\.0; give zero or more"):
        campaign_return(EFFECT, cost=-1.0)
