"""Peers by contract, fitted at a cutoff, and inside a backtest."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.instants import datetime_of
from features.mistakes import ConfigurationError
from tests.training.worlds import Trained, at, ingested_log, sales
from training.backtest import backtest_at, metrics_of
from training.backtest_plan import plan_backtest
from training.known import Known, known_at
from training.peers.registry import FittedPeers, fit_peers, peers_of

OF_SUBSCRIPTIONS = ("kaplan_meier", "sbg", "cox", "aft")
OF_SHOPS = ("bg_nbd_gamma_gamma", "pareto_nbd_gamma_gamma")
CUTOFFS = {"operator": at("2023-01-01"), "shop": at("2022-09-01")}


def test_the_contract_says_which_peers_there_are() -> None:
    assert peers_of("subscription") == OF_SUBSCRIPTIONS
    assert peers_of("transactional") == OF_SHOPS
    assert peers_of("subscription", ["cox", "sbg", "cox"]) == ("cox", "sbg")


def test_a_shop_is_refused_sbg_and_a_subscription_bg_nbd() -> None:
    with pytest.raises(ConfigurationError, match="sbg; it is a model of subscription customers"):
        peers_of("transactional", ["sbg"])
    with pytest.raises(
        ConfigurationError, match=r"of transactional customers .* kaplan_meier, sbg"
    ):
        peers_of("subscription", ["bg_nbd_gamma_gamma"])


def test_an_unknown_peer_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="prophet; no peer has this name; choose among"):
        peers_of("transactional", ["prophet"])


def _known(world: Trained, cutoff: int) -> Known:
    return known_at(world.log, world.business, list(world.bundle.vocabulary.levels), cutoff)


def _judged(world: Trained, cutoff: int) -> tuple[FittedPeers, pd.DataFrame]:
    known = _known(world, cutoff)
    fitted = fit_peers(known, peers_of(world.business.contract))
    plan = plan_backtest(world.log, world.business, [cutoff], [1, 3])
    return fitted, backtest_at(known, plan, fitted.peers).predictions


@pytest.fixture(scope="module")
def of_operator(operator: Trained) -> tuple[FittedPeers, pd.DataFrame]:
    return _judged(operator, CUTOFFS["operator"])


@pytest.fixture(scope="module")
def of_shop(shop: Trained) -> tuple[FittedPeers, pd.DataFrame]:
    return _judged(shop, CUTOFFS["shop"])


@pytest.mark.parametrize(("world", "names"), [("operator", OF_SUBSCRIPTIONS), ("shop", OF_SHOPS)])
def test_peers_answer_for_the_customers_of_the_product(
    world: str, names: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    fitted, predictions = request.getfixturevalue(f"of_{world}")

    assert (tuple(fitted.peers), fitted.warnings) == (names, ())
    own = predictions[predictions["model"] == "keepworth"].set_index(["months", "customer_id"])
    for name in names:
        peer = predictions[predictions["model"] == name].set_index(["months", "customer_id"])
        assert peer.index.equals(own.index)
        assert (peer["churned"] == own["churned"]).all()
        assert peer["churn_probability"].between(0, 1).all()
        assert np.isfinite(peer[["value_mean", "value_median"]]).all(axis=None)
        first, third = (peer["churn_probability"].xs(months) for months in (1, 3))
        # Who may leave may do so later as well; who may not buy may buy later.
        assert ((first <= third) if world == "operator" else (first >= third)).all()


@pytest.mark.parametrize("world", ["operator", "shop"])
def test_peers_come_nearer_to_what_came_than_a_coin(
    world: str, request: pytest.FixtureRequest
) -> None:
    _, predictions = request.getfixturevalue(f"of_{world}")
    rows = pd.DataFrame(metrics_of(predictions))
    churn = rows[(rows["task"] == "churn") & ~rows["model"].str.startswith(("naive", "keepworth"))]

    assert (churn["log_loss"] < np.log(2)).all()
    value = rows[(rows["task"] == "value") & (rows["statistic"] == "mean")]
    assert value["predicted_actual"].between(0.3, 3).all()


def test_what_came_after_the_cutoff_changes_no_peer(shop: Trained, tmp_path: Path) -> None:
    events = sales(200, months=12, seed=3)
    before = events.filter(pc.less(events["occurred_at"], datetime_of(CUTOFFS["shop"])))
    log = ingested_log(tmp_path, before, shop.business)

    alone = fit_peers(known_at(log, shop.business, [], CUTOFFS["shop"]), OF_SHOPS)

    with_the_rest = fit_peers(_known(shop, CUTOFFS["shop"]), OF_SHOPS)
    for name in OF_SHOPS:
        assert alone.peers[name].counts == with_the_rest.peers[name].counts
        assert alone.peers[name].basket == with_the_rest.peers[name].basket


def test_a_peer_that_cannot_be_fitted_is_left_out_with_a_warning(
    shop: Trained, tmp_path: Path
) -> None:
    events = sales(60, months=12, seed=4).to_pandas().drop_duplicates("customer_id")
    table = pa.Table.from_pandas(events, preserve_index=False)
    log = ingested_log(tmp_path, table, shop.business)

    fitted = fit_peers(known_at(log, shop.business, [], CUTOFFS["shop"]), OF_SHOPS)

    assert fitted.peers == {}
    said = tuple(f"{name} is left out: nobody has bought twice." for name in OF_SHOPS)
    assert fitted.warnings == said
