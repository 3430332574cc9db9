"""The job on a shop, whose buyers say nothing when they leave."""

from pathlib import Path

import numpy as np
import pytest

from tests.serving.commands.terminal import done, keepworth
from tests.shop import write_shop

pytestmark = pytest.mark.long


def test_a_shop_is_retrained_and_watched_in_its_own_words(tmp_path: Path) -> None:
    write_shop(tmp_path, np.random.default_rng(4))
    done("ingest", "-C", tmp_path)
    done("train", "-C", tmp_path, "--as-of", "2023-09-01")

    told = keepworth("retrain", "-C", tmp_path, "--json")

    assert told.code in {0, 10}, told.err + told.out
    found = {gate["gate"]: gate["found"] for gate in told.json["gates"]}
    assert "buyers who fall silent predicted for each that came" in found["calibration"]
    assert "nothing to compare" in found["champion"]
    reasons = {reason["name"]: reason["found"] for reason in told.json["reasons"]}
    assert "new purchases" in reasons["outcomes"]
    watched = keepworth("monitor", "-C", tmp_path)
    assert watched.code == 0
    assert "exits" not in watched.out
