"""When a message is tried again."""

import random
from datetime import UTC, datetime

import pytest

from serving.delivery.retrying import delay_seconds, pause_asked

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def delays(asked: float = 0.0) -> list[float]:
    found, attempts = [], 1
    while (delay := delay_seconds(attempts, asked, random.Random(5))) is not None:
        found.append(delay)
        attempts += 1
    return found


def test_ten_attempts_span_three_days() -> None:
    assert len(delays()) == 9
    assert 3 * 86_400 <= sum(delays()) <= 1.1 * 76 * 3600


def test_the_first_repeat_comes_after_seconds_and_each_later_one_after_longer() -> None:
    assert 5 <= delays()[0] <= 5.5
    assert delays() == sorted(delays())


def test_what_failed_together_does_not_come_back_together() -> None:
    rng = random.Random(5)
    assert len({delay_seconds(3, 0, rng) for _ in range(50)}) == 50


def test_a_pause_that_is_asked_for_is_kept_where_it_is_longer() -> None:
    assert delay_seconds(1, 600, random.Random(5)) == 600
    assert delays(600)[2] >= 1800


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("120", 120),
        (" 7 ", 7),
        ("Sun, 01 Mar 2026 12:10:00 GMT", 600),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("1e9", 0),
        ("99999999999999999999", 86_400),
        ("\u0663", 0),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
    ],
)
def test_retry_after_is_understood_and_bounded(header: str | None, seconds: float) -> None:
    assert pause_asked(header, NOW) == seconds
