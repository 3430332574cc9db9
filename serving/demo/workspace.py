"""The folder a demo starts from: raw files, their configuration, and a README that is candid."""

from datetime import date
from importlib.resources import files
from pathlib import Path
from string import Template

import pandas as pd

from serving.demo.parameters import OperatorParameters

RAW = "raw"
GZIP = {"method": "gzip", "compresslevel": 1, "mtime": 0}
"""Fast, and without the clock, so that equal tables make equal files."""


def write_workspace(
    folder: Path,
    tables: dict[str, pd.DataFrame],
    observed_from: date,
    observed_until: date,
    params: OperatorParameters,
) -> None:
    """Write `raw/`, `keepworth.toml` and `README.md` to `folder`, which is made if need be."""
    (folder / RAW).mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        _write_table(folder / RAW / name, table)
    settings = _settings(observed_from, observed_until, params)
    settings["n_customers"] = f"{len(tables['crm_customers.csv']):,}"
    for name in ("keepworth.toml", "README.md"):
        template = files("serving.demo").joinpath(f"{name}.template").read_text("utf-8")
        (folder / name).write_text(Template(template).substitute(settings), "utf-8")


def is_demo(folder: Path) -> bool:
    """Tell whether `write_workspace` made this folder, by the first lines of its README."""
    written = folder / "README.md"
    template = files("serving.demo").joinpath("README.md.template").read_text("utf-8")
    opening = template.partition("\n\n")[0]
    return written.is_file() and written.read_bytes().startswith(opening.encode())


def _write_table(path: Path, table: pd.DataFrame) -> None:
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False, compression="zstd")
    elif path.suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    elif path.suffix == ".gz":
        table.to_csv(path, index=False, compression=GZIP)
    else:
        table.to_csv(path, index=False)


def _settings(
    observed_from: date, observed_until: date, params: OperatorParameters
) -> dict[str, str]:
    costs = params.costs
    return {
        "observed_from": observed_from.isoformat(),
        "observed_until": observed_until.isoformat(),
        "horizon_months": str(params.horizon_months),
        "annual_discount_rate": str(params.annual_discount_rate),
        "gross_margin": str(costs.gross_margin),
        "cost_per_month": str(costs.per_month),
        "cost_support": str(costs.support),
        "cost_support_high": str(costs.support_high),
    }
