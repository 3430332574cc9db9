"""No model is fitted on signals that knew what came after their landmark."""

import pytest

from features.canary import LeakFoundError
from features.history import History
from tests.training.worlds import Trained
from training.fitting import fit_bundle
from training.leak_check import require_no_leak_at_a_landmark


def test_the_signals_of_an_operator_and_of_a_shop_know_nothing_later(
    operator: Trained, shop: Trained
) -> None:
    require_no_leak_at_a_landmark(operator.known)
    require_no_leak_at_a_landmark(shop.known)


def test_nothing_is_fitted_on_signals_that_know_more(
    shop: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(History, "visible_before", lambda self, _as_of: self)

    with pytest.raises(LeakFoundError, match="as of 2022-0"):
        fit_bundle(shop.known)
