"""However the same events come in, the signals are the same."""

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from features.blocks import blocks
from features.catalogue import Vocabulary, catalogue, signal_matrix
from features.instants import instant_of
from features.kernel import Moment
from features.references import NO_REFERENCES
from features.rules import CustomerRules

RULES = CustomerRules(contract="subscription", currency="EUR")
SIGNALS = catalogue("subscription", Vocabulary(metrics=("minutes",)))
AS_OF = (datetime(2024, 3, 31, 2, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC))
HEADER = "event_id,customer_id,kind,occurred_at,recorded_at,effective_at,amount,label,term_months"


def rows(seed=1, n_rows=60):
    """Return lines of a file: many ties, late records, booked changes."""
    rng = Random(seed)
    return [HEADER, *(_row(rng, number) for number in range(n_rows))]


def _row(rng, number):
    kind = rng.choice(("subscribe", "plan_change", "cancel", "usage", "payment", "support"))
    day, month = rng.randrange(1, 29), rng.randrange(1, 5)
    occurred = f"2024-0{month}-{day:02d}"
    recorded = f"2024-0{month + rng.choice((0, 0, 1))}-28"
    effective = f"2024-0{month + 1}-01" if kind in ("plan_change", "cancel") else ""
    amount = "" if kind in ("cancel", "support") else rng.choice(("9.99", "20", "0"))
    label = {"usage": "minutes", "cancel": "voluntary"}.get(kind, "Basic")
    term = "12" if kind == "subscribe" else ""
    customer = rng.choice(("ann", "bob"))
    return f"e{number},{customer},{kind},{occurred},{recorded},{effective},{amount},{label},{term}"


def signals_of(desk):
    """Return the signals of every customer at each as_of, to the last bit, as text."""
    found = {}
    for block in blocks(desk.log, RULES, ()):
        for as_of in AS_OF:
            moment = Moment(block.history, block.profiles, instant_of(as_of), RULES, NO_REFERENCES)
            for who, values in zip(
                block.history.customer_ids, signal_matrix(moment, SIGNALS).tolist(), strict=True
            ):
                found[who, as_of] = [repr(value) for value in values]
    return found


@pytest.fixture
def other(desk, tmp_path_factory):
    return type(desk)(tmp_path_factory.mktemp("other"))


def test_a_file_read_twice_gives_the_features_of_once(desk, other):
    lines = rows()
    desk.ingest(desk.source(*lines))
    for _ in range(2):
        other.ingest(other.source(*lines))

    assert signals_of(other) == signals_of(desk)


def test_rows_repeated_in_a_file_count_once(desk, other):
    header, *lines = rows()
    desk.ingest(desk.source(header, *lines))
    other.ingest(other.source(header, *lines, *lines[::3]))

    assert signals_of(other) == signals_of(desk)


@pytest.mark.parametrize("later_first", [False, True])
def test_a_file_in_two_halves_gives_the_features_of_the_whole(desk, other, later_first):
    header, *lines = rows()
    desk.ingest(desk.source(header, *lines))
    halves = [lines[:30], lines[25:]]
    for half in reversed(halves) if later_first else halves:
        other.ingest(other.source(header, *half))

    assert signals_of(other) == signals_of(desk)


def test_a_file_in_reverse_gives_the_same_features(desk, other):
    header, *lines = rows()
    desk.ingest(desk.source(header, *lines))
    other.ingest(other.source(header, *reversed(lines)))

    assert signals_of(other) == signals_of(desk)


LOCAL_TIMES = [
    "2024-03-31 01:59:59",
    "2024-03-31 03:00:00",
    "2024-10-27 01:30:00",
    "2024-10-27 03:00:00",
    "2024-02-29 23:30:00",
    "2023-12-31 23:59:59.999999",
]


def test_local_times_around_a_change_of_the_clock_end_at_the_right_instant(desk):
    lines = [f"e{n},ann,usage,{text},1" for n, text in enumerate(LOCAL_TIMES)]
    header = "event_id,customer_id,kind,occurred_at,amount"
    desk.ingest(desk.source(header, *lines, time_zone="Europe/Vienna"))

    zone = ZoneInfo("Europe/Vienna")
    expected = [
        datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC) for text in LOCAL_TIMES
    ]
    by_id = {event["event_id"]: event["occurred_at"] for event in desk.events()}
    assert [by_id[f"e{n}"] for n in range(len(LOCAL_TIMES))] == expected
    assert expected[:2] == [
        datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC),
        datetime(2024, 3, 31, 1, tzinfo=UTC),
    ]


def test_a_night_in_which_the_clock_skips_an_hour_is_an_hour_shorter(desk):
    desk.ingest(
        desk.source(
            "event_id,customer_id,kind,occurred_at,amount",
            "e1,ann,usage,2024-03-31 01:00:00,1",
            time_zone="Europe/Vienna",
        )
    )

    # 04:00 in Vienna is 02:00 UTC; 01:00 was 00:00 UTC: two hours, though the clock says three.
    (values,) = (found for (_, as_of), found in signals_of(desk).items() if as_of == AS_OF[0])
    names = [signal.name for signal in SIGNALS]
    assert values[names.index("days_since_usage")] == repr(2 / 24)
