"""What the product says where there is nothing to say: no signal tells who will leave."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.features.measuring import run_keepworth
from benchmarks.models.data_sets import DATA_SETS
from benchmarks.models.judging import OWN, Json, differences, figures, rounded
from benchmarks.models.no_signal import write_no_signal
from benchmarks.models.workspaces import backtested, is_set_up

SEEDS = (1, 2, 3)
CUSTOMERS = 3_000
MADE_UP_CUTOFFS = ("2023-12-22",)
POLICY_CUTOFFS = ("2003-01-01",)
PEERS = ("kaplan_meier", "cox")
TRAITS = (
    "annual_premium",
    "acc_death_rider",
    "gender",
    "premium_frequency",
    "risk_state",
    "underwriting_age",
    "living_place",
)


def noise(cache: Path) -> Iterator[Json]:
    """Yield a reading for each made-up business, and one of policies with exits exchanged."""
    for seed in SEEDS:
        folder = _emptied(cache / f"no-signal-{seed}")
        write_no_signal(folder, CUSTOMERS, seed)
        run_keepworth("ingest", folder)
        answer, predictions = backtested(folder, MADE_UP_CUTOFFS, (1, 3, 6, 12), PEERS)
        nobody = pd.Series("all", index=predictions["customer_id"].unique())
        yield {"business": "made up", "seed": seed} | _reading(answer, predictions, nobody)
    policies = cache / "policies-exchanged"
    if not is_set_up(DATA_SETS["uslapseagent"], policies):
        yield {"business": "policies exchanged", "missing": "the data of uslapseagent is not here"}
        return
    issued = exchange(policies / "data" / "policies.parquet", SEEDS[0])
    run_keepworth("ingest", policies)
    answer, predictions = backtested(policies, POLICY_CUTOFFS, (12, 24), PEERS)
    reading = _reading(answer, predictions, issued)
    yield {"business": "policies exchanged", "seed": SEEDS[0]} | reading


def exchange(file: Path, seed: int) -> pd.Series:
    """Exchange policies' premiums and attributes with others issued in the same month.

    What happened when stays as it was, so that nothing learns from later and tenure still counts.
    Returns the month of issue by policy, among which the exchange went on.
    """
    policies = pq.read_table(file)
    month = pc.utf8_slice_codeunits(policies["issue_date"], 0, 7).to_numpy()
    rng = np.random.default_rng(seed)
    drawn = np.arange(len(policies))
    for rows in pd.Series(drawn).groupby(month).indices.values():
        drawn[rows] = rng.permutation(rows)
    exchanged = policies.take(drawn)
    for name in TRAITS:
        place = policies.column_names.index(name)
        policies = policies.set_column(place, policies.field(name), exchanged[name])
    pq.write_table(policies, file)
    return pd.Series(month, index=pc.cast(policies["policy_id"], pa.string()).to_numpy())


def auc_within(
    probability: NDArray[np.float64], left: NDArray[np.bool_], group: NDArray[np.object_]
) -> tuple[float, float]:
    """Return the AUC of pairs within groups, and how many standard errors it is off .5.

    Mann-Whitney's U summed over groups; its variance under no signal is n1 n0 (n1 + n0 + 1) / 12
    a group (van Elteren 1960), which ties in prediction only lower.
    """
    above = pairs = variance = 0.0
    for rows in pd.Series(left).groupby(group).indices.values():
        gone = left[rows]
        n_left, n_stayed = int(gone.sum()), int((~gone).sum())
        ranks = rankdata(probability[rows])[gone].sum()
        above += ranks - n_left * (n_left + 1) / 2
        pairs += n_left * n_stayed
        variance += n_left * n_stayed * (n_left + n_stayed + 1) / 12
    return above / pairs, (above - pairs / 2) / float(np.sqrt(variance))


def _reading(answer: Json, predictions: pd.DataFrame, group: pd.Series) -> Json:
    """Return figures, differences to peers, and the AUC among customers who are alike."""
    own = predictions[predictions["model"] == OWN]
    within = []
    for (cutoff, months), rows in own.groupby(["cutoff", "months"], sort=True):
        auc, errors = auc_within(
            rows["churn_probability"].to_numpy(),
            rows["churned"].to_numpy(bool),
            group.loc[rows["customer_id"]].to_numpy(),
        )
        window = {"cutoff": f"{cutoff:%Y-%m-%d}", "months": int(months)}
        within.append(window | {"auc": rounded(float(auc)), "standard_errors": round(errors, 2)})
    return {
        "cpu_seconds": round(answer["process"]["cpu"]),
        "warnings": answer["warnings"],
        "auc_within": within,
        "figures": list(figures(answer["metrics"])),
        "differences": list(differences(predictions, SEEDS[0])),
    }


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder
