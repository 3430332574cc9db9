"""A plain FastAPI service: histories in memory as frames, features in pandas, a booster.

It reads its folder from KEEPWORTH_PEER: `events.parquet` and `model.ubj`.
"""

import os
from pathlib import Path

import pandas as pd
import xgboost as xgb
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from benchmarks.service.peer_model import clv, features

_FOLDER = Path(os.environ["KEEPWORTH_PEER"])
_EVENTS = pd.read_parquet(_FOLDER / "events.parquet")
_HISTORIES = {str(name): own for name, own in _EVENTS.groupby("customer_id", sort=False)}
_UNTIL = _EVENTS["occurred_at"].max() + pd.Timedelta(microseconds=1)
_MODEL = xgb.Booster(model_file=_FOLDER / "model.ubj")
_MODEL.set_param({"nthread": 1})

app = FastAPI()


class Asked(BaseModel):
    """Whom a call asks about."""

    customer_ids: list[str]


@app.post("/score")
def score(asked: Asked) -> list[dict[str, float | str]]:
    """Return churn and CLV of each customer."""
    unknown = [name for name in asked.customer_ids if name not in _HISTORIES]
    if unknown:
        raise HTTPException(404, f"unknown: {unknown}")
    rows = pd.DataFrame([features(_HISTORIES[name], _UNTIL) for name in asked.customer_ids])
    churn = _MODEL.inplace_predict(rows)
    return [
        {"customer_id": name, "churn_3m": float(risk), "clv": clv(float(risk), float(mrr))}
        for name, risk, mrr in zip(asked.customer_ids, churn, rows["mrr"], strict=True)
    ]
