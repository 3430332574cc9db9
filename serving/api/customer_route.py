"""GET /v1/customers/{customer_id}: a customer's past in brief, and the score of now."""

from features.mistakes import Mistake
from serving.api.answers import CustomerAnswer, ScoreRow
from serving.api.asked import (
    asked_of,
    block_of_tables,
    iso,
    require_known,
    rows_by_id,
    score_block,
)
from serving.api.current import Current, Tables
from serving.api.customer_history import history_of, profile_of
from serving.api.problems import GONE, Problem
from serving.api.requests import Terms
from training.bundle import Bundle

_NO_PROFILE = "profile is null: the customers table does not list the customer"
_NO_SCORE = "score is null: nothing had happened and was recorded before as_of {as_of}"


def answer_customer(current: Current, customer_id: str) -> CustomerAnswer:
    """Describe a customer at the instant at which scores by id stand.

    Raises
    ------
    Problem
        410 for a customer who was erased, 404 for one who was never known.
    """
    bundle, known = current.serving().bundle, current.known()
    tables = known.tables_of([customer_id])
    if customer_id in current.log.erased:
        expected = "expected a customer who was not erased"
        mistake = Mistake("customer_id", customer_id, expected)
        raise Problem(GONE, "The customer was erased; nothing is kept.", [mistake])
    require_known([customer_id], tables, known)
    as_of = known.observed_until
    history, profile = history_of(tables, bundle, as_of), profile_of(tables.customers)
    score = _score_of(customer_id, tables, bundle, as_of) if history.events else None
    warnings = [_NO_PROFILE] if profile is None else []
    warnings += [_NO_SCORE.format(as_of=iso(as_of))] if score is None else []
    return CustomerAnswer(
        customer_id=customer_id,
        as_of=iso(as_of),
        model_version=bundle.version,
        currency=bundle.business.currency,
        profile=profile,
        history=history,
        score=score,
        warnings=warnings,
    )


def _score_of(customer_id: str, tables: Tables, bundle: Bundle, as_of: int) -> ScoreRow:
    block = block_of_tables(tables, bundle)
    scores = score_block(bundle, block, asked_of(Terms(), bundle, as_of))
    return rows_by_id(scores, bundle)[customer_id]
