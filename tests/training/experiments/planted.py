"""A campaign planted in a log: known assignments, and leavers who were saved because of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from features.log import EVENT_SCHEMA, Log


@dataclass(frozen=True)
class PlantedCampaign:
    """Say when it ran, on how many days, and what became of treated customers who would leave."""

    name: str = "winter"
    began: str = "2023-07-01T09:00:00Z"
    n_days: int = 3
    control_share: float = 0.5
    save_rate: float = 0.5
    contact_cost: float = 0.5
    seed: int = 1

    def events(self, log: Log) -> pa.Table:
        """Return the log's events with those of the campaign, and without the exits it stopped."""
        events = pd.concat([log.read_events(bucket).to_pandas() for bucket in range(log.n_buckets)])
        rng = np.random.default_rng(self.seed)
        assigned = self._assigned(events, rng)
        treated = assigned[assigned["label"] == f"{self.name}/treated"]
        began = pd.Timestamp(self.began)
        until = began + pd.DateOffset(months=4)
        would_leave = (events["kind"] == "cancel") & events["occurred_at"].between(began, until)
        would_leave &= events["customer_id"].isin(treated["customer_id"])
        saved = would_leave & (rng.random(len(events)) < self.save_rate)
        contacts = treated.assign(
            kind="contact",
            label=self.name,
            amount=self.contact_cost,
            occurred_at=treated["occurred_at"] + pd.Timedelta(hours=1),
        )
        contacts["event_id"] = "contact-" + contacts["customer_id"]
        whole = pd.concat([events[~saved], assigned, contacts], ignore_index=True)
        whole["recorded_at"] = whole["recorded_at"].fillna(whole["occurred_at"])
        whole = whole.astype({"term_months": "Int32"})
        return pa.Table.from_pandas(whole, EVENT_SCHEMA, preserve_index=False)

    def _assigned(self, events: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        began = pd.Timestamp(self.began)
        before = events[events["occurred_at"] < began]
        open_then = before.loc[before["kind"].isin(["subscribe", "renew"]), "customer_id"]
        gone = before.loc[before["kind"] == "cancel", "customer_id"]
        ids = np.array(sorted(set(open_then) - set(gone)))
        is_control = rng.random(len(ids)) < self.control_share
        days = pd.to_timedelta(rng.integers(0, self.n_days, len(ids)), unit="D")
        arms = np.where(is_control, "control", "treated")
        return pd.DataFrame(
            {
                "event_id": [f"assignment-{each}" for each in ids],
                "customer_id": ids,
                "kind": "assignment",
                "occurred_at": began + days,
                "label": [f"{self.name}/{arm}" for arm in arms],
            }
        )
