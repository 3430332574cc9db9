"""Who the customers are and what is on offer, as the operator's CRM exports them."""

from itertools import pairwise

import numpy as np
import pandas as pd

from serving.demo.blocks import Column, Instants, Ints
from serving.demo.history import NOBODY, History
from serving.demo.instants import first_day, instants
from serving.demo.parameters import OperatorParameters

LOCAL_ZONE = "Europe/Vienna"


def customer_ids(who: Ints) -> Column:
    """Return the subscriber numbers by which every system names customers: C000001 is the first."""
    return np.array([f"C{number:06d}" for number in (who + 1).tolist()], dtype=object)


def local_times(moments: Instants) -> pd.Series:
    """Return wall-clock times in Vienna without saying so, as the older systems write them."""
    aware = pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(LOCAL_ZONE)
    return pd.Series(aware.strftime("%Y-%m-%d %H:%M:%S"), dtype=object)


def customer_table(
    history: History, rng: np.random.Generator, params: OperatorParameters
) -> pd.DataFrame:
    """Return one row per customer, with what was known on the day of joining."""
    people, spec = history.newcomers, params.newcomers
    referrers = customer_ids(history.referrers)
    referrers[history.referrers == NOBODY] = None
    joined = instants(people.joined, people.start_day)
    return pd.DataFrame(
        {
            "subscriber_no": customer_ids(people.who),
            "joined_at": local_times(joined),
            "channel": np.asarray(params.channels.names)[people.channel],
            "channel_cost": np.asarray(params.channels.costs)[people.channel],
            "recommended_by": referrers,
            "time_zone": LOCAL_ZONE,
            "marketing_consent": np.where(rng.random(len(people)) < 0.8, "yes", "no"),
            "age_band": np.asarray(spec.age_bands)[people.age],
            "region": np.asarray(spec.regions)[people.region],
        }
    )


def plan_table(history: History) -> pd.DataFrame:
    """Return the price list, valid from when the first customer joined, and each later one."""
    months = [*history.warm_up, *history.observed]
    lists = {int(history.newcomers.joined.min()): months[0].params.plans}
    for before, month in pairwise(months):
        if month.params.plans != before.params.plans:
            lists[month.state.month] = month.params.plans
    parts = [
        pd.DataFrame(
            {
                "tariff": plans.names,
                "monthly_fee": plans.list_prices,
                "valid_from": first_day(month).isoformat(),
                "data_allowance_gb": plans.allowances_gb,
            }
        )
        for month, plans in lists.items()
    ]
    return pd.concat(parts, ignore_index=True)
