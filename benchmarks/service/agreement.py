"""Batch equals API: every customer, asked one by one over many connections, beside the files."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq

from benchmarks.features.measuring import Json, run_keepworth
from benchmarks.service.measured import WORKERS
from benchmarks.service.workspace import copied
from serving.api.serve import running_service

CONNECTIONS = 16


class AnswersDifferError(RuntimeError):
    """Say that batch and API do not agree."""


def agreement(cache: Path, seconds: float) -> Iterator[Json]:  # noqa: ARG001 -- as all parts
    """Yield how many customers were compared, all fields to the last bit.

    Raises
    ------
    AnswersDifferError
        If a field of a customer differs.
    """
    with copied(cache) as workspace:
        answer, _ = run_keepworth("score", workspace.folder)
        batch = {row["customer_id"]: _as_json(row) for row in _rows(answer["scores"][0])}
        with (
            running_service(workspace, workers=WORKERS) as url,
            httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
            ThreadPoolExecutor(CONNECTIONS) as pool,
        ):
            served = dict(
                zip(batch, pool.map(lambda name: _score(client, name), batch), strict=True)
            )
    differing = [name for name in batch if served[name] != batch[name]]
    if differing:
        raise AnswersDifferError(f"{len(differing)} customers differ: {differing[:5]}")
    fields = len(next(iter(batch.values())))
    yield {"what": "scores by id", "customers": len(batch), "fields": fields, "differ": 0}


def _rows(file: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return rows


def _score(client: httpx.Client, customer_id: str) -> dict[str, Any]:
    answer = client.post("/v1/score", json={"customer_ids": [customer_id]})
    row: dict[str, Any] = answer.raise_for_status().json()["scores"][0]
    row.pop("explanation", None)
    return row


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    told = row | {"as_of": row["as_of"].isoformat().replace("+00:00", "Z")}
    found: dict[str, Any] = json.loads(json.dumps(told))
    return found
