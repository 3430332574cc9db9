"""Who answers for which signal, and for which money."""

from features.catalogue import Vocabulary, catalogue
from tests.training.worlds import operator_business, shop_business
from training.players import input_of, money_players
from training.topics import topic_of

WORDS = Vocabulary(metrics=("minutes",))


def _players(contract: str) -> dict[str, str]:
    assert contract in {"subscription", "transactional"}
    signals = catalogue(contract, WORDS)  # type: ignore[arg-type]
    return {signal.name: input_of(signal, contract).player for signal in signals}  # type: ignore[arg-type]


def test_a_subscriptions_players_are_its_groups_of_signals() -> None:
    groups = {signal.name: signal.group for signal in catalogue("subscription", WORDS)}

    assert _players("subscription") == groups


def test_a_shop_tells_the_rhythm_of_purchases_from_their_baskets() -> None:
    players = _players("transactional")

    for name in ("days_since_first_purchase", "purchases_90d", "mean_gap_days", "gap_ratio"):
        assert players[name] == "rhythm", name
    for name in ("spend_90d", "mean_basket", "basket_trend_90d", "categories_365d"):
        assert players[name] == "baskets", name
    assert players["refunds_90d"] == "billing"
    assert not {"tenure", "purchases"} & set(players.values())


def test_money_belongs_to_whoever_caused_it() -> None:
    costs = {"per_month": 1.0, "support": 4.0, "support:high": 12.0, "usage": 0.01}

    assert money_players(operator_business(cost_to_serve=costs)) == ("billing", "support", "usage")
    assert money_players(shop_business(cost_to_serve={"payment": 0.5})) == ("billing", "rhythm")


def test_signals_of_one_thing_are_one_topic_whatever_their_windows() -> None:
    topics = {
        signal.name: topic_of(input_of(signal, "subscription"))
        for signal in catalogue("subscription", WORDS)
    }

    same = ("downgrades_30d", "downgrades_365d", "days_since_downgrade", "mrr_change_90d")
    assert {topics[name] for name in same} == {"move"}
    assert topics["failed_payments_7d"] == topics["recovered_share_365d"] == "payment_failed"
    assert topics["mrr"] == topics["ladder_place"] == "price"
    assert topics["minutes_30d"] == topics["minutes_trend_30d"] == "usage:minutes"
