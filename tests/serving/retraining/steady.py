"""A small steady business: twenty join a month, all use, few leave; trained in no time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.serving.commands.small_workspace import write_small_workspace

COLUMNS = "customer_id,kind,occurred_at,amount,label"
BEGIN = datetime(2023, 1, 1, tzinfo=UTC)
MONTHS, JOIN, LEAVING = 16, 20, 0.03
SETTINGS = """
[retraining]
compare_months = 1
compare_cutoffs = 2
median_move = 1.0
"""
CONFIGURATION = """[business]
contract = "subscription"
currency = "EUR"
annual_discount_rate = 0.1
gross_margin = 0.8
horizon_months = 12
observed_from = 2023-01-01
observed_until = {until}
{settings}
[[sources]]
name = "events"
into = "events"
files = {{ raw = "raw.csv" }}
select = "SELECT * FROM raw"
"""


def months_later(months: int) -> datetime:
    """Return the first of a month so many months after the beginning."""
    return BEGIN.replace(year=BEGIN.year + months // 12, month=1 + months % 12)


def write_steady_workspace(
    folder: Path, months: int = MONTHS, settings: str = SETTINGS, seed: int = 3
) -> Path:
    """Write the business as observed for so many months; more months are more of the same."""
    until = months_later(months)
    lines = [line for at, line in steady_lines(seed) if at < until]
    configuration = CONFIGURATION.format(until=f"{until:%Y-%m-%d}", settings=settings)
    return write_small_workspace(folder, configuration, COLUMNS, *lines)


def steady_lines(seed: int) -> Iterator[tuple[datetime, str]]:
    """Yield when and what, customer by customer."""
    rng = np.random.default_rng(seed)
    for number in range(MONTHS * JOIN):
        begin = months_later(number // JOIN) + timedelta(hours=int(rng.integers(1, 600)))
        stays = int(rng.geometric(LEAVING))
        end = begin + timedelta(days=30.4 * stays)
        price = (10, 20, 30)[number % 3]
        yield begin, _line(number, "subscribe", begin, price, "Basic")
        yield end, _line(number, "cancel", end, "", "voluntary")
        at = begin + timedelta(days=1)
        while at < min(end, months_later(MONTHS)):
            yield at, _line(number, "usage", at, f"{rng.gamma(4.0, 5.0):.3f}", "minutes")
            at += timedelta(days=10)


def _line(number: int, kind: str, at: datetime, amount: object, label: str) -> str:
    return f"c{number},{kind},{at:%Y-%m-%dT%H:%M:%SZ},{amount},{label}"
