"""A small shop: people buy at a rate of their own until they silently stop."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

N_CUSTOMERS, DAYS = 400, 540
BEGIN = datetime(2022, 7, 1)  # noqa: DTZ001 (the file has no zone, the configuration gives it)
CONFIGURATION = """[business]
contract = "transactional"
currency = "GBP"
annual_discount_rate = 0.1
gross_margin = 0.4
horizon_months = 12
observed_from = 2022-07-01
observed_until = 2023-12-23

[[sources]]
name = "sales"
into = "events"
files = { sales = "sales.csv" }
time_zone = "Europe/London"
select = '''
SELECT customer AS customer_id, 'payment' AS kind, sold_at AS occurred_at, paid AS amount
FROM sales
'''
"""


def write_shop(folder: Path, rng: np.random.Generator) -> None:
    """Write `sales.csv` and `keepworth.toml`: gaps and lives in days are exponential."""
    rows = [row for customer in range(N_CUSTOMERS) for row in _sales_of(customer, rng)]
    pd.DataFrame(rows, columns=["customer", "sold_at", "paid"]).to_csv(
        folder / "sales.csv", index=False
    )
    (folder / "keepworth.toml").write_text(CONFIGURATION)


def _sales_of(customer: int, rng: np.random.Generator) -> list[tuple[str, datetime, float]]:
    day = rng.uniform(0, DAYS * 0.6)
    last = min(DAYS, day + rng.exponential(400))
    mean_gap, mean_basket = rng.gamma(2, 20), rng.gamma(4, 8)
    sales = []
    while day < last:
        paid = round(float(rng.gamma(4, mean_basket / 4)) + 1, 2)
        sales.append((f"c{customer:03d}", BEGIN + timedelta(minutes=int(day * 1440)), paid))
        day += rng.exponential(mean_gap)
    return sales
