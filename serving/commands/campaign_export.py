"""`keepworth campaigns export`: triggers as a table, for a CRM that takes files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from rich.console import Console

from features.mistakes import ConfigurationError, Mistake
from features.whole_files import whole_file
from serving.campaigns.triggers import Trigger, triggers_after
from serving.commands.answer import Answer
from serving.delivery.trigger_events import id_of
from serving.store.database import LiveStore
from serving.workspace import open_workspace

_INSTANT = pa.timestamp("us", tz="UTC")
_OF_SCORES = ("status", "segment", "churn_3m", "clv")
_OF_OPTION = (
    *("profit_low", "profit_high", "chance_of_profit"),
    *("break_even_offer_cost", "acceptance", "clv_if_saved"),
)
_AS_TEXT = ("id", "customer_id", "campaign", "offer", "status", "segment", "reason")
SCHEMA = pa.schema(
    {
        "number": pa.int64(),
        **dict.fromkeys(_AS_TEXT[:4], pa.string()),
        **dict.fromkeys(("made_at", "not_before"), _INSTANT),
        "expected_profit": pa.float64(),
        **dict.fromkeys(_OF_OPTION, pa.float64()),
        **{name: pa.string() if name in _AS_TEXT else pa.float64() for name in _OF_SCORES},
        "reason": pa.string(),
        "as_of": _INSTANT,
        "model_version": pa.string(),
    }
)
"""One row a trigger, by number; money in major units of the business's currency."""
_ROWS_AT_ONCE = 10_000
_TYPES = (".csv", ".parquet")


def export_triggers(path: Path | None, file: Path, after: int) -> Answer:
    """Write the triggers after a number to a CSV or Parquet file, by its name."""
    if file.suffix not in _TYPES:
        mistake = Mistake("FILE", str(file), f"expected a name that ends in {' or '.join(_TYPES)}")
        raise ConfigurationError("triggers are written as CSV or Parquet", [mistake])
    workspace = open_workspace(path)
    offers = {each.name: each.offer for each in workspace.configuration.campaigns}
    rows = [_row(each, offers) for each in _all_after(workspace.store, after)]
    table = pa.Table.from_pylist(rows, SCHEMA)
    with whole_file(file) as draft:
        if file.suffix == ".csv":
            pyarrow.csv.write_csv(table, draft)
        else:
            pq.write_table(table, draft, compression="zstd")
    newest = rows[-1]["number"] if rows else after
    content = {
        "file": str(file),
        "triggers": len(rows),
        "after": after,
        "next_after": newest,
        "currency": workspace.configuration.business.currency,
    }

    def show(console: Console) -> None:
        console.print(f"wrote {len(rows):,} triggers to {file}", soft_wrap=True)
        console.print(f"Next time those that came since then: --after {newest}")

    return Answer(content, show)


def _all_after(store: LiveStore, number: int) -> Iterator[Trigger]:
    while found := triggers_after(store, number, _ROWS_AT_ONCE):
        yield from found
        number = found[-1].number


def _row(trigger: Trigger, offers: dict[str, str]) -> dict[str, Any]:
    grounds = msgspec.json.decode(trigger.grounds)
    [option] = (each for each in grounds["options"] if each["campaign"] == trigger.campaign)
    return (
        vars(trigger)
        | {"id": id_of(trigger), "offer": offers.get(trigger.campaign)}
        | {name: option[name] for name in _OF_OPTION}
        | {name: grounds["scores"][name] for name in _OF_SCORES}
    )
