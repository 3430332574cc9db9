"""Kinds of exit: told apart where signals tell them, left at the portfolio's shares where not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from features.expressions import Count
from features.kernel import Moment
from tests.training.worlds import at, ingested_log, operator_business
from training.exit_kinds import (
    FEWEST_LABELLED,
    ExitKinds,
    exit_kinds_as_json,
    exit_kinds_from_json,
    fit_exit_kinds,
    loss_of,
)
from training.known import known_at
from training.subscription import fit_subscription

NOBODY = np.zeros(4, dtype=np.int64)


def _kinds(
    signals: NDArray[np.float32], slope: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw kinds: involuntary with log-odds -1 + slope times the first signal, else voluntary."""
    chance = 1 / (1 + np.exp(1 - slope * signals[:, 0]))
    return np.where(rng.random(len(signals)) < chance, 2, 1)


def _fitted(
    slope: float, n_exits: int = 1500, seed: int = 4
) -> tuple[ExitKinds | None, NDArray[np.float32], NDArray[np.int64]]:
    """Return a fit, and rows like those it was made from that it has not seen."""
    rng = np.random.default_rng(seed)
    signals = rng.normal(size=(2 * n_exits, 40)).astype(np.float32)
    kind = _kinds(signals, slope, rng)
    exit_month = np.ones(n_exits, dtype=np.int64)
    customer = np.arange(n_exits, dtype=np.uint64)
    fitted = fit_exit_kinds(signals[:n_exits], exit_month, kind[:n_exits], customer)
    return fitted, signals[n_exits:], kind[n_exits:]


def test_what_tells_kinds_apart_is_found() -> None:
    fitted, signals, kind = _fitted(2.0)
    assert fitted is not None

    said = fitted.of_customers(signals, np.zeros(len(signals), dtype=np.int64))

    came = np.eye(3)[kind - 1]
    base = loss_of(came @ np.array(fitted.shares)).mean()
    assert loss_of((came * said).sum(axis=1)).mean() < 0.8 * base
    assert said[:, 1].mean() == pytest.approx((kind == 2).mean(), abs=0.03)
    np.testing.assert_allclose(said.sum(axis=1), 1.0, atol=1e-12)
    assert said.min() >= 0


@pytest.mark.parametrize("n_exits", [80, 1500])
def test_labels_by_lot_leave_everybody_close_to_the_shares_of_the_portfolio(n_exits: int) -> None:
    lost = []
    for seed in range(4):
        fitted, signals, kind = _fitted(0.0, n_exits=n_exits, seed=seed)
        assert fitted is not None
        said = fitted.of_customers(signals, np.zeros(len(signals), dtype=np.int64))
        came = np.eye(3)[kind - 1]
        base = loss_of(came @ np.array(fitted.shares)).mean()
        lost.append(loss_of((came * said).sum(axis=1)).mean() / base - 1)

    assert np.mean(lost) < 0.01


def test_few_labelled_exits_draw_what_signals_say_to_the_shares_of_the_portfolio() -> None:
    fitted, signals, _ = _fitted(3.0, n_exits=100)
    assert fitted is not None
    assert fitted.weight == pytest.approx(100 / 125)

    free = replace(fitted, weight=1.0).of_customers(signals[:4], NOBODY)

    said = fitted.of_customers(signals[:4], NOBODY)
    np.testing.assert_allclose(said, 0.8 * free + 0.2 * np.array(fitted.shares))


def test_few_labelled_exits_say_nothing() -> None:
    assert _fitted(2.0, n_exits=FEWEST_LABELLED - 1)[0] is None
    assert _fitted(2.0, n_exits=FEWEST_LABELLED)[0] is not None


def test_exits_without_a_label_do_not_count() -> None:
    rng = np.random.default_rng(0)
    signals = rng.normal(size=(400, 3)).astype(np.float32)
    kind = np.where(np.arange(400) < 100, 1, 0)
    once = np.ones(400, dtype=np.int64)

    fitted = fit_exit_kinds(signals, once, kind, np.arange(400, dtype=np.uint64))

    assert fitted is not None
    assert fitted.shares == (1.0, 0.0, 0.0)


def test_a_notice_that_stands_says_its_kind() -> None:
    kinds = ExitKinds((0.7, 0.2, 0.1))

    said = kinds.of_customers(np.zeros((4, 1), dtype=np.float32), np.array([0, 1, 2, 3]))

    np.testing.assert_array_equal(said, [[0.7, 0.2, 0.1], *np.eye(3)])


@pytest.mark.parametrize("slope", [0.0, 2.0])
def test_what_is_written_is_read_again(slope: float) -> None:
    fitted, signals, _ = _fitted(slope)
    assert fitted is not None

    read = exit_kinds_from_json(exit_kinds_as_json(fitted))

    assert read is not None
    for kinds in (fitted, read):
        np.testing.assert_array_equal(
            kinds.of_customers(signals[:4], NOBODY), fitted.of_customers(signals[:4], NOBODY)
        )


def _events(n_customers: int, seed: int) -> pa.Table:
    """Return events of 2022: of ten customers one pays badly and is cut off, others leave."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, np.datetime64, float | None, str | None]] = []
    for number in range(n_customers):
        name, day = f"c{number:04d}", float(rng.uniform(0, 330))
        rows.append((name, "subscribe", _time(day), 20.0, "Plus"))
        pays_badly = number % 10 == 0
        while (day := day + 30) < 365:
            if pays_badly and rng.random() < 0.5:
                rows.append((name, "payment_failed", _time(day), 20.0, None))
                if rng.random() < 0.5:
                    rows.append((name, "cancel", _time(day + 20), None, "involuntary"))
                    break
            elif rng.random() < 0.04:
                rows.append((name, "cancel", _time(day + 5), None, "voluntary"))
                break
    names, kinds, times, amounts, labels = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": list(names),
            "kind": list(kinds),
            "occurred_at": pa.array(np.array(times), pa.timestamp("us", tz="UTC")),
            "amount": pa.array(amounts, pa.float64()),
            "label": pa.array(labels, pa.string()),
        }
    )


def _time(day: float) -> np.datetime64:
    return np.datetime64("2022-01-01T00:00:00") + np.timedelta64(int(day * 86_400), "s")


def test_failed_payments_lead_to_involuntary_exits(tmp_path: Path) -> None:
    business = operator_business(
        observed_from="2022-01-01T00:00:00Z", observed_until="2023-01-01T00:00:00Z"
    )
    log = ingested_log(tmp_path, _events(2000, seed=8), business)
    known = known_at(log, business, [], at("2023-01-01"))
    model, _ = fit_subscription(known)
    said, failed = [], []
    for block in known.blocks():
        moment = Moment(block.history, block.profiles, known.cutoff, business, known.references)
        forecast = model.forecast(moment, business, 12)
        assert forecast.exit_shares is not None
        said.append(forecast.exit_shares[forecast.is_customer, 1])
        failed.append(moment.value(Count("payment_failed"))[forecast.is_customer])

    involuntary, failures = np.concatenate(said), np.concatenate(failed)

    assert involuntary[failures > 0].mean() > 0.6
    assert involuntary[failures == 0].mean() < 0.25
