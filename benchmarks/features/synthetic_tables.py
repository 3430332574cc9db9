"""The words, prices and tables of a synthetic business, and how its columns are made."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DAY = 86_400_000_000
FIRST_DAY = int(np.datetime64("2023-01-01", "us").astype(np.int64))
N_DAYS = 731
PRICES_RISE = FIRST_DAY + 546 * DAY
EVENTS_PER_CUSTOMER = 100
MOST_EVENTS = 5_000
LATE_SHARE = 0.03
PLANS = ("basic", "plus", "pro", "max")
PRICES = np.array([9.0, 19.0, 39.0, 79.0])
RISEN_PRICES = np.array([9.9, 20.9, 42.9, 86.9])
ALLOWANCES = (100.0, 300.0, 1000.0, 5000.0)
METRICS = ("sessions", "minutes", "exports")
SEVERITIES = ("low", "normal", "high")
EXTRA_REVENUE = "add-on"
COUNTRIES = ("AT", "DE", "CH", "IT", "FR")


def customers_of(seed: int, n_events: int) -> pa.Table:
    """Return the customers table: a country, an age, and who referred one in ten."""
    rng = np.random.default_rng([seed, n_events, 1])
    n_customers = max(1, n_events // EVENTS_PER_CUSTOMER)
    ids = named("c", pa.array(np.arange(n_customers)))
    referrer = pa.array(
        rng.integers(0, n_customers, n_customers), mask=rng.random(n_customers) > 0.1
    )
    return pa.table(
        {
            "customer_id": ids,
            "referred_by": named("c", referrer),
            "country": texts(rng.integers(0, len(COUNTRIES), n_customers), COUNTRIES),
            "age": pa.array(rng.integers(18, 90, n_customers)),
        }
    )


def plans_table() -> pa.Table:
    """Return the price list: four plans with allowances, dearer by 10% from July 2024 on."""
    since = [FIRST_DAY - 365 * DAY] * len(PLANS) + [PRICES_RISE] * len(PLANS)
    return pa.table(
        {
            "plan": [*PLANS, *PLANS],
            "list_amount": [*PRICES, *RISEN_PRICES],
            "valid_from": instants_column(np.array(since)),
            "allowance": [*ALLOWANCES, *ALLOWANCES],
        }
    )


def named(letter: str, numbers: pa.Array) -> pa.Array:
    """Return ids: a letter before each number."""
    return pc.binary_join_element_wise(letter, numbers.cast(pa.string()), "")


def texts(codes: NDArray[np.int64], words: tuple[str, ...]) -> pa.Array:
    """Return the words that codes stand for; below 0 is null."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words)).cast(pa.string())


def instants_column(
    values: NDArray[np.int64], present: NDArray[np.bool_] | None = None
) -> pa.Array:
    """Return microseconds as instants in UTC; null where not present."""
    mask = None if present is None else ~present
    return pa.array(values, pa.timestamp("us", tz="UTC"), mask=mask)
