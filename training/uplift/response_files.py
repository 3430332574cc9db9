"""What is known of a campaign's responses, on disk: JSON and XGBoost's UBJ, checked by digest.

`response.json` names the trees with their sha256; no pickles, and no customer's row.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xgboost as xgb

from features.mistakes import InputRefusedError, Mistake
from training.squashing import Squashing
from training.uplift.effect_model import EffectCalibration, EffectModel, Line
from training.uplift.responses import CampaignResponse
from valuation.effects import Effect

FORMAT = 1
MANIFEST = "response.json"


class Origin(NamedTuple):
    """Say of which arm's customers a response is, and how long their outcomes were awaited."""

    arm: str
    months: int


def save_response(
    response: CampaignResponse, signals: list[str], origin: Origin, folder: Path
) -> None:
    """Write a response into a new folder."""
    folder.mkdir(parents=True)
    model = None if response.model is None else _model_as_json(response.model, folder)
    content = {
        "format": FORMAT,
        **origin._asdict(),
        "source": response.source,
        "measured": None if response.measured is None else asdict(response.measured),
        "signals": signals,
        "model": model,
    }
    (folder / MANIFEST).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def load_response(folder: Path) -> tuple[CampaignResponse, list[str], Origin] | None:
    """Return a response, the names of the signals it asks for, and its origin.

    None where there is none.

    Raises
    ------
    InputRefusedError
        If a file is not the one that was written.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    content = json.loads(path.read_bytes())
    if content["format"] != FORMAT:
        expected = f"expected {FORMAT}; run `keepworth campaigns learn` again"
        mistake = Mistake(str(path), f"of format {content['format']}", expected)
        raise InputRefusedError("a campaign's response cannot be read", [mistake])
    measured = None if content["measured"] is None else Effect(**content["measured"])
    model = None if content["model"] is None else _model_from_json(content["model"], folder)
    response = CampaignResponse(content["source"], measured, model)
    return response, list(content["signals"]), Origin(content["arm"], content["months"])


def _model_as_json(model: EffectModel, folder: Path) -> dict[str, Any]:
    trees = []
    for number, (weight, booster) in enumerate(model.trees):
        raw = bytes(booster.save_raw("ubj"))
        (folder / f"trees-{number}.ubj").write_bytes(raw)
        trees.append({"weight": weight, "sha256": hashlib.sha256(raw).hexdigest()})
    line = None if model.line is None else _line_as_json(model.line)
    calibration = model.calibration._asdict()
    return {"level": model.level, "trees": trees, "line": line, "calibration": calibration}


def _line_as_json(line: Line) -> dict[str, Any]:
    squashing = {name: values.tolist() for name, values in vars(line.squashing).items()}
    return {"squashing": squashing, "slopes": line.slopes.tolist(), "level": line.level}


def _model_from_json(content: dict[str, Any], folder: Path) -> EffectModel:
    trees = tuple(
        (float(each["weight"]), _booster(folder / f"trees-{number}.ubj", each["sha256"]))
        for number, each in enumerate(content["trees"])
    )
    line = None if content["line"] is None else _line_from_json(content["line"])
    calibration = EffectCalibration(**content["calibration"])
    return EffectModel(float(content["level"]), trees, line, calibration)


def _line_from_json(content: dict[str, Any]) -> Line:
    squashing = content["squashing"]
    numbers = Squashing(
        np.array(squashing["centre"], dtype=np.float64),
        np.array(squashing["spread"], dtype=np.float64),
        np.array(squashing["has_gaps"], dtype=bool),
    )
    return Line(numbers, np.array(content["slopes"], dtype=np.float64), float(content["level"]))


def _booster(path: Path, digest: str) -> xgb.Booster:
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != digest:
        expected = "expected the file that was written; run `keepworth campaigns learn` again"
        mistake = Mistake(str(path), "altered", expected)
        raise InputRefusedError("a campaign's response was altered", [mistake])
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(raw))
    return booster
