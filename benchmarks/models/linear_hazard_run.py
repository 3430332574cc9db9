"""What the linear hazard changes: log-loss of P(gone) with it beside the same model without it.

    python -m benchmarks.models.linear_hazard_run WORKSPACE --cutoff 2022-10-15 ... --months 1 3 ...

Everything else of the model is fitted once, so that only the blend differs. For choosing, on
cutoffs that nobody reports; prints one JSON line a cutoff, differences in percent.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmarks.models.judging import log_loss, rounded
from serving.commands.instants import micros_option
from serving.workspace import open_workspace
from training.backtest import judged_at
from training.backtest_plan import PRODUCT, plan_backtest
from training.fitting import fit_bundle
from training.recipe import known_for
from training.subscription import SubscriptionModel


def main() -> None:
    """Fit at every cutoff and print what the linear hazard changes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--cutoff", nargs="+", required=True)
    parser.add_argument("--months", type=int, nargs="+", required=True)
    asked = parser.parse_args()
    for cutoff in asked.cutoff:
        print(json.dumps(changed_at(asked.workspace, cutoff, asked.months)), flush=True)


def changed_at(path: Path, date: str, months: Sequence[int]) -> dict[str, object]:
    """Return log-loss without the linear hazard, and by how many percent it changes, by months."""
    workspace = open_workspace(path)
    configuration, log = workspace.configuration, workspace.log()
    cutoff = micros_option("--cutoff", date)
    bundle, _ = fit_bundle(known_for(log, configuration.business, configuration.features, cutoff))
    if not isinstance(bundle.model, SubscriptionModel) or bundle.model.hazard.linear is None:
        return {"cutoff": date, "linear_hazard": "none was fitted"}
    plan = plan_backtest(log, configuration.business, [cutoff], months)
    hazard = replace(bundle.model.hazard, linear=None)
    bare = replace(bundle, model=replace(bundle.model, hazard=hazard))
    having, without = (
        _losses(judged_at(one, log, cutoff, plan).predictions) for one in (bundle, bare)
    )
    changes = {month: rounded(100 * (having[month] / without[month] - 1)) for month in months}
    return {"cutoff": date, "without": {m: rounded(without[m]) for m in months}, "percent": changes}


def _losses(predictions: pd.DataFrame) -> dict[int, float]:
    own = predictions[predictions["model"] == PRODUCT]
    return {
        months: float(log_loss(own[own["months"] == months]).mean())
        for months in own["months"].unique().tolist()
    }


if __name__ == "__main__":
    main()
