"""Events in a frame, as a logged model takes them, and a made-up example of such a frame.

Made up, as no customer's row leaves with a model.
"""

import pandas as pd
import pyarrow as pa

from features.contract import EVENT_COLUMNS
from features.log import EVENT_SCHEMA
from features.signal import Contract

_SUBSCRIPTION = (
    ("subscribe", "2024-01-05T09:00:00Z", 30.0, "Plus"),
    ("usage", "2024-02-11T18:30:00Z", 4.5, "logins"),
    ("plan_change", "2024-03-05T09:00:00Z", 20.0, "Smart"),
)
_SHOP = (
    ("payment", "2024-01-05T09:00:00Z", 30.0, "books"),
    ("payment", "2024-02-11T18:30:00Z", 12.5, "music"),
)


def example_events(contract: Contract) -> pd.DataFrame:
    """Return the events of one made-up customer, one column a contract column, times as text."""
    chosen = _SUBSCRIPTION if contract == "subscription" else _SHOP
    rows = [
        {
            "event_id": f"example-{number}",
            "customer_id": "made-up",
            "kind": kind,
            "occurred_at": occurred_at,
            "recorded_at": occurred_at,
            "amount": amount,
            "label": label,
        }
        for number, (kind, occurred_at, amount, label) in enumerate(chosen)
    ]
    frame = pd.DataFrame(rows)
    return frame[[name for name in EVENT_COLUMNS if name in frame.columns]]


def contract_table(events: pd.DataFrame) -> pa.Table:
    """Return all columns of the contract in its types, null where a frame has none."""
    whole = events.reindex(columns=EVENT_SCHEMA.names)
    for name in ("occurred_at", "recorded_at", "effective_at"):
        whole[name] = pd.to_datetime(whole[name], utc=True)
    whole = whole.astype({"term_months": "Int32"})
    return pa.Table.from_pandas(whole, EVENT_SCHEMA, preserve_index=False)
