"""Sentences as a marketer reads them."""

import math

import pytest

from features.catalogue import Vocabulary, catalogue
from features.signal import Signal
from training.players import input_of
from training.sentences import Facts, money, plain, sentence_of
from training.topics import topic_of

WORDS = Vocabulary(metrics=("minutes",), levels={"region": ("Vienna", "Tyrol"), "age": None})
SIGNALS = {signal.name: signal for signal in catalogue("subscription", WORDS)}
UNKNOWN = math.nan


def _said(
    name: str, own: dict[str, float], usual: dict[str, float], move: str | None = None
) -> str:
    """Return the sentence on the topic of a signal, from what is known of its topic."""
    topic = topic_of(input_of(SIGNALS[name], "subscription"))
    signals = [SIGNALS[known] for known in own if known in SIGNALS and _is_on(topic, known)]
    return sentence_of(topic, Facts(own, usual, "EUR", move), signals)


def _is_on(topic: str, name: str) -> bool:
    return topic_of(input_of(SIGNALS[name], "subscription")) == topic


@pytest.mark.parametrize(
    ("name", "own", "usual", "said"),
    [
        (
            "failed_payments_90d",
            {"failed_payments_7d": 0.0, "failed_payments_30d": 3.0, "failed_payments_90d": 4.0},
            {"failed_payments_7d": 0.0, "failed_payments_30d": 0.02, "failed_payments_90d": 0.1},
            "3 failed payments in the last 30 days",
        ),
        (
            "support_30d",
            {"support_30d": 0.0, "support_90d": 1.0},
            {"support_30d": 0.1, "support_90d": 0.4},
            "1 support request in the last 90 days, usually 0.40",
        ),
        (
            "refunds_90d",
            {"refunds_90d": 0.0},
            {"refunds_90d": 0.5},
            "no refunds in the last 90 days",
        ),
        (
            "usage_days_30d",
            {"usage_days_30d": 2.0},
            {"usage_days_30d": 15.3},
            "used on 2 of the last 30 days, usually 15",
        ),
        (
            "minutes_30d",
            {"minutes_30d": 12.0},
            {"minutes_30d": 151.2},
            "minutes in the last 30 days: 12, usually 151",
        ),
        ("mrr", {"mrr": 9.99}, {"mrr": 14.2}, "pays 9.99 EUR a month, usually 14.20"),
        (
            "tenure_months",
            {"tenure_months": 0.0},
            {"tenure_months": 26.4},
            "a customer for less than a month, usually 26",
        ),
        (
            "tenure_months",
            {"tenure_months": 1.0},
            {"tenure_months": 26.4},
            "a customer for 1 month, usually 26",
        ),
        (
            "discount_share",
            {"discount_share": 0.25, "months_to_discount_end": 2.0},
            {"discount_share": 0.0},
            "pays 25% less than the list price, until in month 2 from now",
        ),
        (
            "months_to_booked_end",
            {"days_since_notice": 5.4, "months_to_booked_end": 1.0},
            {"days_since_notice": UNKNOWN, "months_to_booked_end": UNKNOWN},
            "asked 5 days ago to leave, the end is booked within a month",
        ),
        (
            "months_to_renewal",
            {"term_months": 12.0, "months_to_renewal": 3.0},
            {"term_months": 0.0, "months_to_renewal": UNKNOWN},
            "the term of 12 months ends in month 3 from now",
        ),
        (
            "region_is_vienna",
            {"region_is_vienna": 1.0, "region_is_tyrol": 0.0},
            {"region_is_vienna": 0.4, "region_is_tyrol": 0.2},
            "region is Vienna",
        ),
        ("age", {"age": 23.0}, {"age": 41.0}, "age 23, usually 41"),
        (
            "latest_rating",
            {"latest_rating": 2.0},
            {"latest_rating": 4.1},
            "rating of the latest review: 2, usually 4.1",
        ),
    ],
)
def test_what_is_known_is_said_beside_what_is_usual(
    name: str, own: dict[str, float], usual: dict[str, float], said: str
) -> None:
    if name == "latest_rating":
        signal: Signal = SIGNALS[name]
        assert sentence_of("other", Facts(own, usual, "EUR"), [signal]) == said
    else:
        assert _said(name, own, usual) == said


def test_a_move_between_plans_is_told_as_it_was() -> None:
    known = {"downgrades_30d": 1.0}

    said = _said("downgrades_30d", known, {"downgrades_30d": 0.0}, "moved from Max to Basic today")

    assert said == "moved from Max to Basic today"


def test_without_a_move_the_signal_speaks_for_itself() -> None:
    said = _said("downgrades_30d", {"downgrades_30d": 0.0}, {"downgrades_30d": 0.31})

    assert said == "moves to a cheaper plan in the last 30 days: 0, usually 0.31"


def test_money_beside_the_plan_is_told_as_cost_or_income() -> None:
    costs = Facts({"money_support": -1.88}, {"money_support": -0.6}, "EUR")
    brings = Facts({"money_billing": 3.1}, {"money_billing": -1.2}, "EUR")

    assert sentence_of("money_support", costs, []) == (
        "support costs 1.88 EUR a month, usually 0.60"
    )
    assert sentence_of("money_billing", brings, []) == (
        "what billing brings and costs: +3.10 EUR a month, usually -1.20"
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [(-96.4, "-96 EUR"), (4.2, "+4.20 EUR"), (9.996, "+10 EUR"), (-1234.5, "-1,234 EUR")],
)
def test_small_money_has_cents_and_all_money_its_sign(amount: float, text: str) -> None:
    assert money(amount, "EUR") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (151.2, "151"), (4.13, "4.1"), (0.239, "0.24"), (UNKNOWN, "none")],
)
def test_numbers_have_no_more_digits_than_one_reads(value: float, text: str) -> None:
    assert plain(value) == text
