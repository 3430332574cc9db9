"""The two experiments: inputs, arms, outcomes, and scores that others published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.readings import ROOT
from training.uplift.learners import Lesson
from valuation.targeting import Trial

DATA = ROOT.parent / "shared" / "data"
Values = NDArray[np.float64]
_BEFORE = ("recency", "history", "mens", "womens", "newbie")
_LEVELS = ("zip_code", "channel")
_ASKED = (("Womens E-Mail", "visit"), ("Mens E-Mail", "visit"), ("Mens E-Mail", "spend"))
_USER = (
    *("u_gender", "u_age", "u_weekly_utilisation", "u_sub_utilisation", "u_format_pref"),
    *("u_genre_pref", "u_rating_given", "u_other_sub", "u_plan", "u_occupation"),
)


@dataclass(frozen=True)
class Experiment:
    """Hold an experiment: to learn from and, if others published scores, to be judged on.

    Without `held_out` learners are judged on customers of `lesson` that they were not fitted on.
    `response_first` says whether a response model treats the highest expected outcome first.
    """

    name: str
    outcome: str
    lesson: Lesson
    held_out: Lesson | None = None
    published: Mapping[str, Values] = field(default_factory=dict)
    response_first: bool = True


def experiments(folder: Path) -> list[Experiment]:
    """Return the experiments whose files are there."""
    found = []
    if (folder / "hillstrom").is_dir():
        found += hillstrom(folder / "hillstrom")
    if (folder / "retention_rct_streaming_sim").is_dir():
        found.append(streaming(folder / "retention_rct_streaming_sim"))
    return found


def hillstrom(folder: Path) -> list[Experiment]:
    """Return each e-mail against none: who visits, and what is spent."""
    table = pd.read_parquet(folder / "hillstrom.parquet")
    levels = pd.get_dummies(table[list(_LEVELS)], dtype=float)
    inputs = pd.concat([table[list(_BEFORE)], levels], axis=1).to_numpy(dtype=np.float32)
    found = []
    for arm, outcome in _ASKED:
        kept = table["segment"].isin([arm, "No E-Mail"]).to_numpy()
        treated = (table["segment"] == arm).to_numpy()
        trial = _trial(treated[kept], table[outcome].to_numpy()[kept])
        found.append(Experiment(f"hillstrom, {arm}", outcome, Lesson(inputs[kept], trial)))
    return found


def streaming(folder: Path) -> Experiment:
    """Return the voucher: learned from 7,000 users, judged on the 3,000 with published scores."""
    users = pd.read_parquet(folder / "users.parquet")
    judged = pd.read_parquet(folder / "comparison_data.parquet")
    learned = users[~users["u_id"].isin(judged["u_id"])]
    return Experiment(
        "streaming",
        "resubscribed",
        _users(learned),
        _users(judged),
        {name: judged[name].to_numpy(dtype=np.float64) for name in judged if "tau_" in name},
        response_first=False,
    )


def _users(table: pd.DataFrame) -> Lesson:
    inputs = table[list(_USER)].to_numpy(dtype=np.float32)
    return Lesson(inputs, _trial(table["treat"].to_numpy() > 0, table["y"].to_numpy()))


def _trial(treated: NDArray[np.bool_], outcome: NDArray[np.generic]) -> Trial:
    share = np.full(len(treated), treated.mean())
    return Trial(treated.astype(np.float64), outcome.astype(np.float64), share)
