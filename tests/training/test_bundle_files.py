"""Bundles on disk: the same to the bit, and refused when they are not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.worlds import Trained
from training.bundle import Bundle
from training.bundle_files import AlteredModelError, load_bundle, save_bundle
from training.credibility import Credibility
from training.scoring import score
from training.subscription import SubscriptionModel


@pytest.fixture(params=["operator", "shop"])
def world(request: pytest.FixtureRequest) -> Trained:
    trained: Trained = request.getfixturevalue(request.param)
    return trained


def test_a_bundle_read_back_scores_equal_to_the_bit(world: Trained, tmp_path: Path) -> None:
    digest = save_bundle(world.bundle, tmp_path / "model")

    again = load_bundle(tmp_path / "model", digest, "7")

    assert again.version == "7"
    assert (again.business, again.vocabulary) == (world.business, world.bundle.vocabulary)
    assert again.references == world.bundle.references
    assert again.model.signals == world.bundle.model.signals
    assert again.longest_month == world.bundle.longest_month
    for block in world.blocks:
        first, second = (score(one, block, world.known.cutoff) for one in (world.bundle, again))
        for name in ("clv", "clv_median", "value_at_stake", "payback_month"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        np.testing.assert_array_equal(first.forecast.churn, second.forecast.churn)
        assert first.segment.tolist() == second.segment.tolist()


def test_saving_twice_gives_one_digest(world: Trained, tmp_path: Path) -> None:
    digests = {save_bundle(world.bundle, tmp_path / name) for name in ("one", "two")}

    assert len(digests) == 1


@pytest.mark.parametrize("suffix", [".json", ".ubj"])
def test_one_flipped_bit_in_any_file_is_refused(
    world: Trained, tmp_path: Path, suffix: str
) -> None:
    digest = save_bundle(world.bundle, tmp_path / "model")
    for path in (tmp_path / "model").glob(f"*{suffix}"):
        content = path.read_bytes()
        middle = len(content) // 2
        altered = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path.write_bytes(altered)

        with pytest.raises(AlteredModelError, match=rf"{path.name} is of sha256 .*was altered"):
            load_bundle(tmp_path / "model", digest, "7")

        path.write_bytes(content)
    assert load_bundle(tmp_path / "model", digest, "7").n_customers == world.bundle.n_customers


def test_a_file_that_is_gone_is_refused_by_name(world: Trained, tmp_path: Path) -> None:
    digest = save_bundle(world.bundle, tmp_path / "model")
    (tmp_path / "model" / "bundle.json").unlink()

    with pytest.raises(AlteredModelError, match=r"bundle\.json is missing; .* train again"):
        load_bundle(tmp_path / "model", digest, "7")


def test_a_bundle_trained_on_a_signal_that_is_no_more_is_refused(
    operator: Trained, tmp_path: Path
) -> None:
    signals = operator.bundle.model.signals
    renamed = (replace(signals[0], name="mood_30d"), *signals[1:])
    model = replace(operator.bundle.model, signals=renamed)
    digest = save_bundle(replace(operator.bundle, model=model), tmp_path / "model")

    with pytest.raises(AlteredModelError, match=r"the catalogue lacks .*mood_30d"):
        load_bundle(tmp_path / "model", digest, "7")


def _with_flows(bundle: Bundle, flows: Credibility) -> Bundle:
    assert isinstance(bundle.model, SubscriptionModel)
    return replace(bundle, model=replace(bundle.model, flows=flows))


def test_a_credibility_without_end_survives_json(operator: Trained, tmp_path: Path) -> None:
    endless = Credibility(mean=1.5, half_months=np.inf)
    digest = save_bundle(_with_flows(operator.bundle, endless), tmp_path / "model")

    again = load_bundle(tmp_path / "model", digest, "7")

    assert isinstance(again.model, SubscriptionModel)
    assert again.model.flows == endless


def test_no_customer_is_named_in_a_bundle(world: Trained, tmp_path: Path) -> None:
    save_bundle(world.bundle, tmp_path / "model")

    texts = json.dumps(json.loads((tmp_path / "model" / "bundle.json").read_text()))
    for block in world.blocks:
        assert not any(f'"{name}"' in texts for name in block.history.customer_ids)
