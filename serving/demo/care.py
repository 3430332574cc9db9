"""What customers say to the operator and to others: tickets, reviews, invitations."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from serving.demo.blocks import Floats, Instants, Ints
from serving.demo.crm import customer_ids
from serving.demo.history import NOBODY, History, LivedMonth
from serving.demo.instants import days_of_month, instants

OPENED_WITHIN, RESOLVED_FROM = 0.7, 0.75
"""Shares of a month's active time: tickets open in the first part and are resolved in the last."""


def ticket_table(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Return tickets opened under observation: first come, first resolved.

    Columns: `ticket_no, subscriber_no, priority (P1 high, P3 normal), opened_at, resolved_at`, UTC.
    """
    months = [*history.warm_up, *history.observed]
    opened = _numbered([_opened(month, rng) for month in months], "opened_at")
    resolved = _numbered([_resolved(month, rng) for month in months], "resolved_at")
    tickets = opened.merge(resolved, how="left", on=["who", "ordinal"])
    since = instants(history.observed[0].state.month, np.zeros(1))[0]
    tickets = tickets[tickets["opened_at"] >= since].sort_values("opened_at", kind="stable")
    return pd.DataFrame(
        {
            "ticket_no": np.arange(1, len(tickets) + 1),
            "subscriber_no": customer_ids(tickets["who"].to_numpy()),
            "priority": np.where(tickets["is_high"], "P1", "P3"),
            "opened_at": tickets["opened_at"].to_numpy(),
            "resolved_at": tickets["resolved_at"].to_numpy(),
        }
    )


def review_table(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Return ratings of 1 to 5 stars: `subscriber_no, given_at (UTC), stars, site`."""
    parts = [_reviews(month, rng) for month in history.observed]
    return pd.concat(parts, ignore_index=True)


def referral_table(history: History, rng: np.random.Generator) -> pd.DataFrame:
    """Return invitations, and newcomers who came by one.

    Columns: `subscriber_no` of who invited, `happening` (`invited` or `joined`), `happened_at`
    (UTC), `newcomer_no`, None for an invitation.
    """
    parts = [_invitations(month, rng) for month in history.observed]
    return pd.concat([*parts, _joined(history)], ignore_index=True)


def _opened(month: LivedMonth, rng: np.random.Generator) -> pd.DataFrame:
    dealings = month.happenings.dealings
    rows = np.repeat(np.arange(len(month.state)), dealings.tickets)
    within_month = pd.Series(rows).groupby(rows).cumcount().to_numpy()
    times = _times(month, rows, OPENED_WITHIN * rng.random(len(rows)))
    return pd.DataFrame(
        {
            "who": month.state.who[rows],
            "opened_at": times,
            "is_high": within_month < dealings.high_tickets[rows],
        }
    )


def _resolved(month: LivedMonth, rng: np.random.Generator) -> pd.DataFrame:
    dealings = month.happenings.dealings
    rows = np.repeat(np.arange(len(month.state)), dealings.resolved_old + dealings.resolved_new)
    late = RESOLVED_FROM + (1.0 - RESOLVED_FROM) * rng.random(len(rows))
    return pd.DataFrame({"who": month.state.who[rows], "resolved_at": _times(month, rows, late)})


def _times(month: LivedMonth, rows: Ints, share: Floats) -> Instants:
    """Return instants at given shares of each row's active time in the month."""
    charges = month.happenings.charges
    first, last = charges.first_day[rows], charges.last_day[rows]
    return instants(month.state.month, first + share * (last - first))


def _numbered(parts: Sequence[pd.DataFrame], time: str) -> pd.DataFrame:
    """Return the rows with an ordinal by time within each customer."""
    rows = pd.concat(parts, ignore_index=True).sort_values(["who", time], kind="stable")
    rows["ordinal"] = rows.groupby("who").cumcount()
    return rows


def _reviews(month: LivedMonth, rng: np.random.Generator) -> pd.DataFrame:
    given = month.traces.rating > 0
    n = int(given.sum())
    return pd.DataFrame(
        {
            "subscriber_no": customer_ids(month.state.who[given]),
            "given_at": instants(month.state.month, days_of_month(n, rng)),
            "stars": month.traces.rating[given],
            "site": rng.choice(["app store", "comparison site"], n),
        }
    )


def _invitations(month: LivedMonth, rng: np.random.Generator) -> pd.DataFrame:
    inviting = month.state.who[month.traces.invited]
    return pd.DataFrame(
        {
            "subscriber_no": customer_ids(inviting),
            "happening": "invited",
            "happened_at": instants(month.state.month, days_of_month(len(inviting), rng)),
            "newcomer_no": None,
        }
    )


def _joined(history: History) -> pd.DataFrame:
    came = history.referrers != NOBODY
    people = history.newcomers.take(came)
    return pd.DataFrame(
        {
            "subscriber_no": customer_ids(history.referrers[came]),
            "happening": "joined",
            "happened_at": instants(people.joined, people.start_day),
            "newcomer_no": customer_ids(people.who),
        }
    )
