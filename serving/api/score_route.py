"""POST /v1/score: what customers are worth, by id or with their events."""

from collections import Counter

from msgspec import UNSET

from features.mistakes import Mistake
from serving.api.answers import ScoreAnswer
from serving.api.asked import (
    asked_of,
    block_of_tables,
    explained_block,
    iso,
    just_after,
    require_few_events,
    require_known,
    require_visible,
    rows_by_id,
    score_block,
)
from serving.api.current import Current, Tables
from serving.api.decoding import decoded
from serving.api.inline import tables_of_inline
from serving.api.limits import LIMITS
from serving.api.problems import UNFIT, Problem
from serving.api.requests import InlineCustomer, ScoreRequest
from training.bundle import Bundle


def answer_score(current: Current, body: bytes) -> ScoreAnswer:
    """Score the customers of a request, in the order asked.

    Raises
    ------
    Problem
        If the request cannot be answered for every customer it names; then none is scored.
    """
    request = decoded(body, ScoreRequest)
    bundle = current.serving().bundle
    ids, tables, default_as_of = _found(request, current, bundle)
    asked = asked_of(request, bundle, default_as_of)
    block = block_of_tables(tables, bundle)
    require_visible(ids, block, asked.as_of)
    scores = score_block(bundle, block, asked)
    explained = explained_block(bundle, block, asked) if request.explain else {}
    rows = rows_by_id(scores, bundle, explained)
    return ScoreAnswer(
        as_of=iso(asked.as_of),
        model_version=bundle.version,
        currency=bundle.business.currency,
        scores=[rows[customer_id] for customer_id in ids],
    )


def _found(
    request: ScoreRequest, current: Current, bundle: Bundle
) -> tuple[list[str], Tables, int]:
    """Return whom a request asks about, what is known of them, and the default `as_of`."""
    if request.customer_ids is not UNSET and request.customers is UNSET:
        _require_sound(request.customer_ids, "customer_ids", explain=request.explain)
        return _by_id(request.customer_ids, current)
    if request.customers is not UNSET and request.customer_ids is UNSET:
        ids = [customer.customer_id for customer in request.customers]
        _require_sound(ids, "customers", explain=request.explain)
        return ids, *_inline(request.customers, bundle)
    given = "both" if request.customers is not UNSET else "neither"
    mistake = Mistake("customer_ids, customers", given, "give exactly one of the two")
    raise Problem(UNFIT, f"{mistake}.", [mistake])


def _by_id(customer_ids: list[str], current: Current) -> tuple[list[str], Tables, int]:
    known = current.known()
    tables = known.tables_of(customer_ids)
    require_known(customer_ids, tables, known)
    return customer_ids, tables, known.observed_until


def _inline(customers: list[InlineCustomer], bundle: Bundle) -> tuple[Tables, int]:
    require_few_events(customers)
    keys = [f"customers[{position}]" for position in range(len(customers))]
    tables = tables_of_inline(customers, bundle, keys)
    return tables, just_after(tables)


def _require_sound(ids: list[str], key: str, *, explain: bool) -> None:
    mistakes = [
        Mistake(key, f"{customer_id!r} {count} times", "name each customer once")
        for customer_id, count in Counter(ids).items()
        if count > 1
    ]
    if explain and len(ids) > LIMITS.explained_customers:
        expected = f"expected at most {LIMITS.explained_customers} with explain; split the call"
        mistakes.append(Mistake(key, f"{len(ids)} customers", expected))
    if mistakes:
        raise Problem(UNFIT, f"{mistakes[0]}.", mistakes)
