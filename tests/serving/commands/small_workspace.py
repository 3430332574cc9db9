"""A workspace of thirty subscribers in one CSV, to plant mistakes in."""

from pathlib import Path

HEADER = "customer_id,kind,occurred_at,amount,label"
SUBSCRIBED = tuple(
    f"c{number},subscribe,2024-0{1 + number % 6}-01T00:00:00Z,10,Basic" for number in range(30)
)
ONE_SUBSCRIBED = (
    "event_id,customer_id,kind,occurred_at,amount,label",
    "s1,c1,subscribe,2024-01-01T00:00:00Z,10,Basic",
)
CONFIGURATION = """[business]
contract = "subscription"
currency = "EUR"
annual_discount_rate = 0.1
gross_margin = 0.8
horizon_months = 12

[[sources]]
name = "events"
into = "events"
files = { raw = "raw.csv" }
select = "SELECT * FROM raw"
"""


def write_small_workspace(folder: Path, configuration: str = CONFIGURATION, *lines: str) -> Path:
    """Write the configuration and `raw.csv` with these lines, by default the thirty."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keepworth.toml").write_text(configuration)
    (folder / "raw.csv").write_text("\n".join(lines or (HEADER, *SUBSCRIBED)) + "\n")
    return folder


def changed(old: str, new: str) -> str:
    """Return the configuration with one passage replaced, which must be there."""
    assert CONFIGURATION.count(old) == 1
    return CONFIGURATION.replace(old, new)


def with_setting(line: str) -> str:
    """Return the configuration with one more line in `[business]`, or a table after it."""
    return changed("\n\n[[sources]]", f"\n{line}\n\n[[sources]]")


def write_leaving_workspace(folder: Path) -> Path:
    """Write a workspace of 120 subscribers, of whom every fourth leaves within the year."""
    lines = [HEADER]
    for number in range(120):
        begin = 1 + number % 6
        lines.append(f"c{number},subscribe,2024-{begin:02d}-01T00:00:00Z,10,Basic")
        if number % 4 == 0:
            end = begin + 1 + number % 5
            lines.append(f"c{number},cancel,2024-{end:02d}-15T00:00:00Z,,voluntary")
    lines.append("c1,usage,2024-12-31T00:00:00Z,1,minutes")
    return write_small_workspace(folder, CONFIGURATION, *lines)
