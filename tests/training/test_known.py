"""What training may know: nothing at or after the cutoff; and where landmarks stand."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from features.instants import datetime_of
from features.log import Log
from features.mistakes import InputRefusedError
from features.timeline import timeline_of
from tests.features.histories import events_of
from tests.training.worlds import Trained, at, ingested_log, operator_business
from training.bundle_files import save_bundle
from training.business import Business
from training.fitting import fit_bundle
from training.known import known_at, observed_bounds
from training.landmarks import landmarks_before, subscription_rows

SUBSCRIBED = ("ann", "subscribe", "2024-01-01", {"amount": 9.0})


def _days(cutoff: str, since: str, business: Business, most: int = 24) -> list[str]:
    marks = landmarks_before(at(cutoff), at(since), business, most)
    return [f"{datetime_of(mark.as_of):%Y-%m-%d}" for mark in marks]


def test_landmarks_are_whole_months_before_the_cutoff_latest_first() -> None:
    business = operator_business()

    marks = landmarks_before(at("2024-05-15"), at("2024-01-20"), business, most=24)

    assert [mark.number for mark in marks] == [-1, -2, -3]
    assert [mark.months_observed for mark in marks] == [1, 2, 3]
    assert _days("2024-05-15", "2024-01-20", business) == ["2024-04-15", "2024-03-15", "2024-02-15"]


def test_landmarks_are_clipped_to_the_last_day_of_short_months() -> None:
    days = _days("2024-05-31", "2024-01-01", operator_business())

    assert days == ["2024-04-30", "2024-03-31", "2024-02-29", "2024-01-31"]


def test_no_landmark_stands_where_nothing_was_observed_yet() -> None:
    business = operator_business()

    assert _days("2024-03-01", "2024-01-01", business) == ["2024-02-01"]
    assert _days("2024-04-30", "2024-01-31", business) == ["2024-03-30", "2024-02-29"]


def test_months_of_a_number_of_days_are_counted_in_days() -> None:
    days = _days("2024-05-31", "2024-04-01", operator_business(month=20))

    assert days == ["2024-05-11", "2024-04-21"]


def test_a_long_history_is_covered_by_at_most_so_many_landmarks() -> None:
    marks = landmarks_before(at("2024-01-01"), at("2018-01-01"), operator_business(), most=24)

    assert [mark.number for mark in marks] == list(range(-1, -72, -3))


@pytest.mark.parametrize(("cutoff", "seasons"), [("2024-12-31", set()), ("2025-01-02", {"season"})])
def test_the_season_is_no_signal_before_two_cycles_were_seen(
    tmp_path: Path, cutoff: str, seasons: set[str]
) -> None:
    log = _log(tmp_path, ("ann", "subscribe", "2023-01-01", {"amount": 9.0}))

    known = known_at(log, operator_business(), [], at(cutoff))

    assert {signal.group for signal in known.signals} & {"season"} == seasons


def _log(folder: Path, *rows: tuple[object, ...]) -> Log:
    events = events_of(*rows)  # type: ignore[no-untyped-call]  # untyped helper
    return ingested_log(folder, events, operator_business())


def test_what_became_known_at_or_after_the_cutoff_cannot_be_read(tmp_path: Path) -> None:
    late = {"amount": 1.0, "recorded_at": "2024-05-01"}
    log = _log(
        tmp_path,
        SUBSCRIBED,
        ("ann", "usage", "2024-03-01", {"amount": 1.0, "label": "seen"}),
        ("ann", "usage", "2024-03-02", late | {"label": "recorded late"}),
        ("ann", "usage", "2024-05-01", {"amount": 1.0, "label": "at the cutoff"}),
        ("bob", "usage", "2024-06-01", {"amount": 1.0, "label": "after"}),
    )

    known = known_at(log, operator_business(), [], at("2024-05-01"))

    assert known.vocabulary.metrics == ("seen",)
    seen = {name for block in known.blocks() for name in block.history.customer_ids}
    assert seen == {"ann"}
    assert all((block.history.visible < known.cutoff).all() for block in known.blocks())


def test_landmarks_and_cutoff_are_compared_with_the_population_as_it_was_known_then(
    tmp_path: Path,
) -> None:
    everybody = [f"c{number:02d}" for number in range(20)]
    rises = {"amount": 12.0, "recorded_at": "2024-03-15"}
    unseen = {"amount": 99.0, "recorded_at": "2024-05-01"}
    log = _log(
        tmp_path,
        *((name, *SUBSCRIBED[1:]) for name in everybody),
        *((name, "plan_change", "2024-02-10", rises) for name in everybody),
        *((name, "plan_change", "2024-04-01", unseen) for name in everybody),
        *((name, "cancel", "2024-05-01") for name in everybody),
    )

    known = known_at(log, operator_business(), [], at("2024-05-01"))

    then = {mark.number: found.typical_price for mark, found in known.landmarks.items()}
    assert then == {-1: 1200, -2: 900, -3: 900}
    assert known.references.cohort_prices == {"2024-01": 1200}


def test_outcomes_of_a_landmark_use_what_was_known_at_the_cutoff_only(tmp_path: Path) -> None:
    left_late = ("ann", "cancel", "2024-03-10", {"recorded_at": "2024-06-01"})
    left = ("bob", "cancel", "2024-03-10", {"recorded_at": "2024-04-20"})
    log = _log(tmp_path, SUBSCRIBED, ("bob", *SUBSCRIBED[1:]), left_late, left)
    business = operator_business()

    known = known_at(log, business, [], at("2024-05-01"))

    exits: dict[str, int] = {}
    for block in known.blocks():
        timeline = timeline_of(block.history, business)
        rows = subscription_rows(block, timeline, known.landmarks, business, known.signals)
        for churn, _ in rows:
            if churn.landmark[0] == -3:
                exits |= dict(zip(block.history.customer_ids, churn.exit_month, strict=True))
    assert exits == {"ann": 0, "bob": 2}  # from 1 February on, 10 March is in month 2


def test_too_little_history_is_refused_with_the_earliest_instant(tmp_path: Path) -> None:
    log = _log(tmp_path, SUBSCRIBED, ("ann", "cancel", "2024-12-01"))

    with pytest.raises(InputRefusedError, match=r"at least two months after .* 2024-01-01"):
        known_at(log, operator_business(), [], at("2024-02-15"))


def test_an_empty_log_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputRefusedError, match="run `keepworth ingest` first"):
        observed_bounds(Log.open(tmp_path), operator_business())


def test_observation_spans_the_events_unless_configured(tmp_path: Path) -> None:
    log = _log(tmp_path, SUBSCRIBED, ("ann", "cancel", "2024-12-01"))

    assert observed_bounds(log, operator_business()) == (at("2024-01-01"), at("2024-12-01") + 1)
    bounded = operator_business(observed_until="2024-11-01T00:00:00Z")
    assert observed_bounds(log, bounded) == (at("2024-01-01"), at("2024-11-01"))


def test_too_few_exits_are_refused(tmp_path: Path) -> None:
    log = _log(tmp_path, SUBSCRIBED, ("ann", "cancel", "2024-12-01"))

    with pytest.raises(InputRefusedError, match="exits before the cutoff is 0; at least 10"):
        fit_bundle(known_at(log, operator_business(), [], at("2024-11-01")))


def test_a_model_fitted_at_a_cutoff_is_the_same_whatever_came_after(
    shop: Trained, tmp_path: Path
) -> None:
    cutoff = at("2022-07-01")
    events = [shop.log.read_events(bucket, datetime_of(cutoff)) for bucket in (0, 1)]

    log = ingested_log(tmp_path, pa.concat_tables(events), shop.business)

    short, long = (
        fit_bundle(known_at(log_, shop.business, [], cutoff))[0] for log_ in (log, shop.log)
    )

    contents = []
    for name, bundle in (("short", short), ("long", long)):
        save_bundle(bundle, tmp_path / name)
        manifest = json.loads((tmp_path / name / "bundle.json").read_text())
        contents.append({**manifest, "data_fingerprint": None})
    assert contents[0] == contents[1]
