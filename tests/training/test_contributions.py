"""Contributions on models whose answer is known: they are what each player really adds."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from features.kernel import Moment
from tests.training.worlds import operator_business
from training.background import Typical
from training.business import Business
from training.contributions import Lens
from training.credibility import Credibility
from training.explained import Money, Readings, Values
from training.forecast import Curves
from training.players import Input

N_MONTHS = 2
BUSINESS = operator_business(cost_to_serve={"support": 1.0})
INPUTS = (Input("visits", "usage"), Input("failures", "billing"), Input("colour", "attributes"))


@dataclass(frozen=True)
class KnownModel:
    """Expect margin 2 x visits - 5 x failures + path + money a month, times what `stays` says."""

    inputs: tuple[Input, ...] = INPUTS
    business: Business = BUSINESS
    credibility: Credibility = Credibility(0.0, 0.0)  # noqa: RUF009 -- frozen value
    n_groups: int = 1
    is_read: NDArray[np.bool_] = field(default_factory=lambda: np.array([True, True, False]))
    is_multiplied: bool = False

    def path_inputs(self, n_months: int) -> tuple[Input, ...]:
        return (Input("path", "plan"),) * n_months

    def read(self, moment: Moment, n_months: int) -> Readings:
        raise NotImplementedError

    def everybodys_money(self, moment: Moment) -> Money:
        raise NotImplementedError

    def typical(self, inputs: Values, fewest: int) -> Values:
        raise NotImplementedError

    def expected_margin(self, inputs: Values, path: Values, money: Values, n_months: int) -> Curves:
        assert path.shape == (len(inputs), n_months)
        visits, failures, _ = np.nan_to_num(inputs).T[:, :, None]
        if self.is_multiplied:
            return path * visits
        return 2 * visits - 5 * failures + path + money[:, None]


def _lens(*, is_multiplied: bool = False) -> Lens:
    model = KnownModel(is_multiplied=is_multiplied)
    return Lens(model, np.zeros(2), N_MONTHS, annual_discount_rate=0.0)


def _point(lens: Lens, *inputs: float, path: float, money: tuple[float, float]) -> Values:
    """Return a point whose margin path is known for one month: the next one is like it."""
    return lens.point_of(Typical(np.array(inputs), np.array([path]), np.array(money)))


def test_where_a_model_only_adds_up_each_player_gets_what_is_theirs() -> None:
    lens = _lens()
    customer = _point(lens, 8.0, 3.0, 1.0, path=10.0, money=(4.0, -1.0))
    typical = _point(lens, 5.0, 1.0, 2.0, path=12.0, money=(1.0, -2.0))

    shares = lens.shares(customer, typical)

    # Over two months: 2 x (2 x 5 - 5 x 1 + 12 + 1 - 2); billing has failures and its own money.
    assert shares.baseline == pytest.approx(32.0)
    assert shares.contributions == {
        "usage": pytest.approx(2 * 2 * 3.0),
        "billing": pytest.approx(2 * (-5 * 2.0 + 3.0)),
        "attributes": 0.0,
        "plan": pytest.approx(2 * -2.0),
        "support": pytest.approx(2 * 1.0),
    }


def test_what_two_players_do_only_together_is_shared_in_halves() -> None:
    lens = _lens(is_multiplied=True)
    customer = _point(lens, 3.0, 0.0, 0.0, path=10.0, money=(0.0, 0.0))
    typical = _point(lens, 0.0, 0.0, 0.0, path=0.0, money=(0.0, 0.0))

    shares = lens.shares(customer, typical)

    assert shares.baseline == 0.0
    assert (shares.contributions["usage"], shares.contributions["plan"]) == (30.0, 30.0)


def test_what_is_not_known_of_either_sets_nobody_apart() -> None:
    lens = _lens()
    customer = _point(lens, np.nan, 0.0, 0.0, path=1.0, money=(0.0, 0.0))
    typical = _point(lens, np.nan, 1.0, 0.0, path=1.0, money=(0.0, 0.0))

    shares = lens.shares(customer, typical)

    assert {name for name, share in shares.contributions.items() if share} == {"billing"}


def test_whoever_is_typical_has_no_contributions_at_all() -> None:
    lens = _lens()
    customer = _point(lens, 8.0, 3.0, 1.0, path=10.0, money=(4.0, -1.0))

    shares = lens.shares(customer, customer)

    assert set(shares.contributions.values()) == {0.0}
    assert shares.baseline == lens.value(customer[None])[0]


def test_the_effect_of_a_part_is_the_mean_of_adding_it_first_and_last() -> None:
    lens = _lens(is_multiplied=True)
    customer = _point(lens, 3.0, 0.0, 0.0, path=10.0, money=(0.0, 0.0))
    typical = _point(lens, 1.0, 0.0, 0.0, path=4.0, money=(0.0, 0.0))
    visits = np.array([number.name == "visits" for number in lens.numbers])

    effects = lens.effects(customer, typical, [visits])

    # First: 2 months x 4 x (3 - 1) = 16; last: 2 x 10 x (3 - 1) = 40.
    assert effects.tolist() == [28.0]
