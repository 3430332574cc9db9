"""A business in which some customers complain before they leave: how well a model sees is known.

Most customers leave by chance alone. Those of the plan Mini, who cost more than they pay, file a
complaint five weeks before.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from tests.serving.commands.small_workspace import write_small_workspace
from tests.serving.retraining.steady import COLUMNS, CONFIGURATION, months_later

MONTHS, JOIN = 14, 70
COSTS = """
[business.cost_to_serve]
per_month = 1.2
"""
END = months_later(MONTHS)
WARNING = timedelta(days=35)
MINI_SHARE = 0.1
LEAVING = {"Mini": 0.06, "Basic": 0.12}
PRICE = {"Mini": 1, "Basic": 20}
Line = tuple[datetime, str, str, str]
"""When, who, what kind, and the rest of the row."""


def write_telling_workspace(folder: Path, settings: str, lines: list[Line]) -> Path:
    """Write the business with these lines; `settings` are tables of the configuration."""
    configuration = CONFIGURATION.format(until=f"{END:%Y-%m-%d}", settings=COSTS + settings)
    rows = [f"{who},{kind},{at:%Y-%m-%dT%H:%M:%SZ},{rest}" for at, who, kind, rest in lines]
    return write_small_workspace(folder, configuration, COLUMNS, *rows)


def telling_lines(warns: tuple[str, ...] = ("Mini",), seed: int = 5) -> list[Line]:
    """Return all lines before the end; customers of the plans that `warns` names complain."""
    rng = np.random.default_rng(seed)
    lines = (line for number in range(MONTHS * JOIN) for line in _of_customer(number, warns, rng))
    return [line for line in lines if line[0] < END]


def _of_customer(number: int, warns: tuple[str, ...], rng: np.random.Generator) -> Iterator[Line]:
    who, plan = f"c{number}", "Mini" if rng.random() < MINI_SHARE else "Basic"
    begin = months_later(number // JOIN) + timedelta(hours=int(rng.integers(1, 600)))
    end = begin + timedelta(days=45 + 30.4 * rng.exponential(1 / LEAVING[plan]))
    yield begin, who, "subscribe", f"{PRICE[plan]},{plan}"
    if plan in warns:
        yield end - WARNING, who, "support", ",complaint"
    yield end, who, "cancel", ",voluntary"
