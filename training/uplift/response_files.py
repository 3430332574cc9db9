"""What is known of a campaign's responses, on disk: one JSON file, whole or not there at all.

It holds its own sha256, and trees as XGBoost's UBJ in base64; no pickles, and no customer's row.
"""

import base64
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xgboost as xgb

from features.mistakes import InputRefusedError, Mistake
from features.whole_files import whole_file
from training.squashing import Squashing
from training.uplift.effect_model import EffectCalibration, EffectModel, Line
from training.uplift.responses import CampaignResponse
from valuation.effects import Effect

FORMAT = 2


class Origin(NamedTuple):
    """Say of which arm's customers a response is, and how long their outcomes were awaited."""

    arm: str
    months: int


def save_response(
    response: CampaignResponse, signals: list[str], origin: Origin, path: Path
) -> None:
    """Write a response; it takes the place of an earlier one once all of it is there."""
    content = {
        "format": FORMAT,
        **origin._asdict(),
        "source": response.source,
        "measured": None if response.measured is None else asdict(response.measured),
        "signals": signals,
        "model": None if response.model is None else _model_as_json(response.model),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as draft:
        draft.write_text(json.dumps({"sha256": _digest(content), "response": content}) + "\n")


def load_response(path: Path) -> tuple[CampaignResponse, list[str], Origin] | None:
    """Return a response, the names of the signals it asks for, and its origin.

    None where there is none.

    Raises
    ------
    InputRefusedError
        If the file is not the one that was written, or of another format.
    """
    if not path.is_file():
        return None
    try:
        written = json.loads(path.read_bytes())
        content = written["response"]
        is_sound = written["sha256"] == _digest(content)
    except (ValueError, KeyError, TypeError):
        is_sound = False
    if not is_sound:
        raise _refused(path, "altered", "expected the file that was written")
    if content["format"] != FORMAT:
        raise _refused(path, f"of format {content['format']}", f"expected {FORMAT}")
    measured = None if content["measured"] is None else Effect(**content["measured"])
    model = None if content["model"] is None else _model_from_json(content["model"])
    response = CampaignResponse(content["source"], measured, model)
    return response, list(content["signals"]), Origin(content["arm"], content["months"])


def _digest(content: dict[str, Any]) -> str:
    written = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(written.encode()).hexdigest()


def _refused(path: Path, value: str, expected: str) -> InputRefusedError:
    way_out = f"{expected}; run `keepworth campaigns learn {path.stem}` again, or remove it"
    mistake = Mistake(str(path), value, way_out)
    return InputRefusedError("what a campaign taught cannot be read", [mistake])


def _model_as_json(model: EffectModel) -> dict[str, Any]:
    trees = [
        {"weight": weight, "ubj": base64.b64encode(bytes(booster.save_raw("ubj"))).decode()}
        for weight, booster in model.trees
    ]
    line = None if model.line is None else _line_as_json(model.line)
    calibration = model.calibration._asdict()
    return {"level": model.level, "trees": trees, "line": line, "calibration": calibration}


def _line_as_json(line: Line) -> dict[str, Any]:
    squashing = {name: values.tolist() for name, values in vars(line.squashing).items()}
    return {"squashing": squashing, "slopes": line.slopes.tolist(), "level": line.level}


def _model_from_json(content: dict[str, Any]) -> EffectModel:
    trees = tuple((float(each["weight"]), _booster(each["ubj"])) for each in content["trees"])
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


def _booster(ubj: str) -> xgb.Booster:
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(base64.b64decode(ubj)))
    return booster
