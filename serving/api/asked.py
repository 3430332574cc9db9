"""What every question shares: whose tables, as of when, on which terms; and scoring them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from features.blocks import Block
from features.instants import datetime_of, instant_of
from features.mistakes import Mistake, MistakenError
from features.profiles import profiles_of
from serving.api.answers import ExplainedValue, ScoreRow
from serving.api.current import KnownCustomers, Tables
from serving.api.inline import instant_of_text, latest_known, require_none
from serving.api.problems import NOTHING_VISIBLE, UNFIT, UNKNOWN_CUSTOMERS, Problem
from serving.api.requests import InlineCustomer, Terms
from training.bundle import Bundle
from training.explaining import Explanation, explain, explain_change
from training.score_table import score_rows
from training.scoring import Scores, score

_LARGEST_FACTOR_EXPONENT = 100


@dataclass(frozen=True)
class Asked:
    """Hold the terms of a call, `as_of` in microseconds."""

    as_of: int
    horizon_months: int
    annual_discount_rate: float


def asked_of(terms: Terms, bundle: Bundle, default_as_of: int) -> Asked:
    """Return the terms of a call, by default those the bundle was fitted for.

    Raises
    ------
    Problem
        422, if `as_of` is no instant, or later money would be worth endlessly more.
    """
    business = bundle.business
    rate = terms.annual_discount_rate
    asked = Asked(
        default_as_of if terms.as_of is None else _instant(terms.as_of),
        terms.horizon_months or business.horizon_months,
        business.annual_discount_rate if rate is None else rate,
    )
    _require_finite_worth(asked)
    return asked


def score_block(bundle: Bundle, block: Block, asked: Asked) -> Scores:
    """Value the customers of a block on the terms of a call.

    Raises
    ------
    Problem
        422, if the business's settings do not cover what the events say.
    """
    try:
        return score(
            bundle,
            block,
            asked.as_of,
            horizon_months=asked.horizon_months,
            annual_discount_rate=asked.annual_discount_rate,
        )
    except MistakenError as error:
        raise Problem(UNFIT, f"{error.summary}.", error.mistakes) from error


def explained_block(bundle: Bundle, block: Block, asked: Asked) -> dict[str, Explanation]:
    """Explain the scores that `score_block` gives, by customer; the lost are left out."""
    return explain(
        bundle,
        block,
        asked.as_of,
        horizon_months=asked.horizon_months,
        annual_discount_rate=asked.annual_discount_rate,
    )


def explained_change(
    bundle: Bundle, before: Block, after: Block, asked: Asked
) -> dict[str, float] | None:
    """Share out the difference of one customer's CLV; None where it is lost in one of the two."""
    return explain_change(
        bundle,
        before,
        after,
        asked.as_of,
        horizon_months=asked.horizon_months,
        annual_discount_rate=asked.annual_discount_rate,
    )


def rows_by_id(
    scores: Scores, bundle: Bundle, explained: Mapping[str, Explanation] | None = None
) -> dict[str, ScoreRow]:
    """Return the rows of the contract by customer, with their explanations where there are any."""
    told = explained or {}
    reasons = {customer_id: explanation.reasons for customer_id, explanation in told.items()}
    table = score_rows(replace(scores, reasons=reasons), bundle.business)
    rows = {row["customer_id"]: ScoreRow(**row) for row in table}
    for customer_id, one in told.items():
        shares = ExplainedValue(baseline=one.baseline, contributions=dict(one.contributions))
        rows[customer_id].explanation = shares
    return rows


def block_of_tables(tables: Tables, bundle: Bundle) -> Block:
    """Return the block that tables make.

    Raises
    ------
    Problem
        422, if the log holds an amount that is too large for the scale the model was trained with.
    """
    try:
        history = tables.known.history(bundle.business)
    except MistakenError as error:
        raise Problem(UNFIT, f"{error.summary}.", error.mistakes) from error
    ids, attributes = list(history.customer_ids), list(bundle.vocabulary.levels)
    return Block(history, profiles_of(tables.customers, ids, attributes))


def require_known(customer_ids: list[str], tables: Tables, known: KnownCustomers) -> None:
    """Refuse ids that neither the events nor the customers table know, naming them all."""
    found = tables.known.customer_ids
    unknown = [one for one in customer_ids if one not in found and not known.lists(one)]
    if unknown:
        expected = "expected the id of a customer in the log; send unknown ones with their events"
        detail = (
            f"{len(unknown)} of {len(customer_ids)} customers are not in the log; none was scored."
        )
        mistakes = [Mistake("customer_id", customer_id, expected) for customer_id in unknown]
        raise Problem(UNKNOWN_CUSTOMERS, detail, mistakes)


def require_visible(customer_ids: list[str], block: Block, as_of: int) -> None:
    """Refuse customers of whom nothing had happened and was recorded before `as_of`."""
    counts = np.diff(block.history.visible_before(as_of).offsets)
    seen = set(block.history.customer_ids[counts > 0])
    unseen = [customer_id for customer_id in customer_ids if customer_id not in seen]
    if unseen:
        stood = iso(as_of)
        expected = f"expected one with an event that occurred and was recorded before {stood}"
        detail = (
            f"Of {len(unseen)} customers nothing was known before as_of {stood}; none was scored. "
            "Give a later as_of, or leave them out."
        )
        mistakes = [Mistake("customer_id", customer_id, expected) for customer_id in unseen]
        raise Problem(NOTHING_VISIBLE, detail, mistakes)


def require_few_events(customers: list[InlineCustomer], most: int) -> None:
    """Refuse more events in one call than the limit."""
    count = sum(len(customer.events) for customer in customers)
    if count > most:
        expected = f"expected at most {most:,} in one call; split the customers"
        mistake = Mistake("events", f"{count:,}", expected)
        raise Problem(UNFIT, f"{mistake}.", [mistake])


def just_after(tables: Tables) -> int:
    """Return the first instant at which all of these events are visible; 0 without events."""
    events = tables.events
    return instant_of(latest_known(events)) + 1 if events.num_rows else 0


def iso(instant: int) -> str:
    """Return an instant as RFC 3339 text in UTC."""
    return datetime_of(instant).isoformat().replace("+00:00", "Z")


def _instant(text: str) -> int:
    mistakes: list[Mistake] = []
    instant = instant_of_text(text, "as_of", mistakes)
    require_none(mistakes)
    return instant_of(instant) if instant else 0


def _require_finite_worth(asked: Asked) -> None:
    growth = -math.log10(1 + asked.annual_discount_rate) * asked.horizon_months / 12
    if growth > _LARGEST_FACTOR_EXPONENT:
        expected = f"expected a rate nearer 0 for a horizon of {asked.horizon_months} months"
        mistake = Mistake("annual_discount_rate", str(asked.annual_discount_rate), expected)
        raise Problem(UNFIT, f"{mistake}.", [mistake])
