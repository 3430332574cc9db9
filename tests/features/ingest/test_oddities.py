"""Odd histories are told, with examples, and kept."""

from datetime import UTC, datetime

from features.history import history_from_events
from features.ingest.oddities import OddEvent
from features.log import bucket_of

HEADER = "event_id,customer_id,kind,occurred_at,effective_at,amount,label"


def oddities(desk, *lines: str, **rules) -> dict[str, tuple[int, tuple[str, ...]]]:
    report = desk.ingest(desk.source(HEADER, *lines), **rules)
    assert report.quarantined == 0
    return {
        oddity.what: (oddity.count, tuple(event.event_id for event in oddity.examples))
        for oddity in report.oddities
    }


def test_an_ordinary_history_is_not_odd(desk):
    assert (
        oddities(
            desk,
            "e1,c,subscribe,2024-01-01,,10,basic",
            "e2,c,renew,2024-02-01,,10,basic",
            "e3,c,payment,2024-02-01,,10,",
            "e4,c,refund,2024-02-02,,10,",
            "e5,c,cancel,2024-02-10,,,voluntary",
            "e6,c,cancel_withdrawn,2024-02-11,,,",
            "e7,c,cancel,2024-03-10,,,voluntary",
            "e8,c,subscribe,2024-05-01,,10,basic",
        )
        == {}
    )


def test_a_cancel_needs_an_open_subscription_before_it(desk):
    lines = [
        "e1,c,cancel,2024-01-01,,,",
        "e2,c,subscribe,2024-01-02,,5,p",
        "e3,c,cancel,2024-01-03,,,",
    ]
    found = oddities(desk, *lines, "e4,c,cancel,2024-01-04,,,", "e5,d,cancel,2024-01-04,,,")
    assert found == {"cancel without an open subscription": (3, ("e1", "e4", "e5"))}


def test_while_a_notice_runs_the_subscription_is_open(desk):
    lines = ["e1,c,subscribe,2024-01-01,,5,p", "e2,c,cancel,2024-02-01,2024-03-01,,"]
    assert oddities(desk, *lines, "e3,c,plan_change,2024-02-15,,4,q") == {}


def test_a_plan_moves_only_inside_a_subscription(desk):
    lines = ["e1,c,plan_change,2024-01-01,,5,p", "e2,c,subscribe,2024-01-02,,5,p"]
    found = oddities(desk, *lines, "e3,c,cancel,2024-01-03,,,", "e4,c,renew,2024-01-04,,5,p")
    assert found == {"plan_change or renew outside a subscription": (2, ("e1", "e4"))}


def test_money_comes_back_only_after_it_was_paid(desk):
    found = oddities(desk, "e1,c,refund,2024-01-01,,5,", "e2,c,payment,2024-01-02,,5,")
    assert found == {"refund before any payment": (1, ("e1",))}


def test_a_list_price_below_the_charge_is_odd(desk):
    lines = ["e1,c,subscribe,2024-01-01,,10,p,12", "e2,c,renew,2024-02-01,,10,p,9.5"]
    report = desk.ingest(desk.source(f"{HEADER},list_amount", *lines))
    (oddity,) = report.oddities
    assert oddity.what == "list_amount below amount, a discount below zero"
    assert oddity.examples == (OddEvent("c", "e2"),)


def test_a_withdrawal_follows_a_cancel(desk):
    found = oddities(desk, "e1,c,subscribe,2024-01-01,,5,p", "e2,c,cancel_withdrawn,2024-01-02,,,")
    assert found == {"cancel_withdrawn without a cancel before it": (1, ("e2",))}


def test_events_after_the_observation_are_told_with_three_examples(desk):
    lines = [f"e{number},c,support,2024-02-0{number},,," for number in range(1, 6)]
    found = oddities(desk, *lines, observed_until=datetime(2024, 2, 2, tzinfo=UTC))
    assert found == {"event after observed_until": (4, ("e2", "e3", "e4"))}


def test_a_newcomer_nobody_knows_is_odd(desk):
    customers = desk.source("customer_id", "known", into="customers")
    lines = [
        "e1,c,referral_joined,2024-01-01,,,known",
        "e2,c,referral_joined,2024-01-01,,,stranger",
    ]
    report = desk.ingest(desk.source(HEADER, *lines), customers)
    (oddity,) = report.oddities
    assert oddity.what == "referral_joined naming an unknown customer"
    assert oddity.examples == (OddEvent("c", "e2"),)


TIED = (
    "customer_id,kind,occurred_at,amount,label",
    *(f"c{number},subscribe,2024-01-01,{number + 5},p" for number in range(20)),
    *(f"c{number},plan_change,2024-01-01,5,q" for number in range(20)),
    *(f"c{number},cancel,2024-01-01,," for number in range(20)),
    *(f"c{number},cancel_withdrawn,2024-01-01,," for number in range(20)),
    *(f"c{number},refund,2024-01-01,1," for number in range(20)),
    *(f"c{number},payment,2024-01-01,9," for number in range(20)),
)


def test_what_happened_at_one_instant_without_ids_is_not_odd_for_the_order_of_its_hashes(desk):
    report = desk.ingest(desk.source(*TIED))
    assert (report.new, report.oddities) == (120, ())


def test_what_was_never_opened_is_odd_beside_other_events_of_its_instant(desk):
    lines = ["c,cancel,2024-01-01,,", "c,payment,2024-01-01,9,", "c,renew,2024-01-02,5,p"]
    report = desk.ingest(desk.source(TIED[0], *lines))
    found = {oddity.what: oddity.count for oddity in report.oddities}
    assert found == {
        "cancel without an open subscription": 1,
        "plan_change or renew outside a subscription": 1,
    }


def test_ids_that_the_source_gives_put_its_tied_events_in_order(desk):
    lines = ["e2,c,subscribe,2024-01-01,,5,p", "e1,c,cancel,2024-01-01,,,"]
    assert oddities(desk, *lines) == {"cancel without an open subscription": (1, ("e1",))}


def test_usage_too_small_to_count_is_told_by_metric(desk):
    lines = [
        "e1,c,usage,2024-01-01,,0.0004,gigabytes",
        "e2,c,usage,2024-01-01,,0.0005,gigabytes",
        "e3,c,usage,2024-01-01,,0,gigabytes",
        "e4,c,usage,2024-01-01,,0.001,gigabytes",
        "e5,c,usage,2024-01-01,,0.0001,",
        "e6,c,usage,2024-01-01,,0.0004999,gigabytes",
    ]
    assert oddities(desk, *lines) == {
        "usage of 'gigabytes' up to 0.0005, which counts as 0: declare a scale above 1000 for it "
        "in [features.usage_scale]": (3, ("e1", "e2", "e6")),
        "usage of no metric up to 0.0005, which counts as 0: name its metric, and declare the "
        "metric's scale in [features.usage_scale]": (1, ("e5",)),
    }
    history = history_from_events(desk.log.read_events(bucket_of("c", 2)), 100)
    assert history.value.tolist() == [0, 0, 0, 1, 0, 0]


def test_usage_counts_from_what_the_scale_of_its_metric_says(desk):
    lines = [
        "e1,c,usage,2024-01-01,,0.0004,gigabytes",
        "e2,c,usage,2024-01-01,,0.0000004,gigabytes",
    ]
    scale = {"gigabytes": 1_000_000}

    report = desk.ingest(desk.source(HEADER, *lines), usage_scale=scale)

    assert [(oddity.what, oddity.count) for oddity in report.oddities] == [
        (
            (
                "usage of 'gigabytes' up to 5e-07, which counts as 0: declare a scale above "
                "1000000 for it in [features.usage_scale]"
            ),
            1,
        )
    ]
    events = desk.log.read_events(bucket_of("c", 2))
    assert history_from_events(events, 100, usage_scale=scale).value.tolist() == [400, 0]
