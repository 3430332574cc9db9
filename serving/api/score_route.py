"""POST /v1/score: what customers are worth, by id or with their events."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import UNSET

from features.blocks import Block
from features.mistakes import Mistake
from serving.api.answers import ScoreAnswer, ScoreRow
from serving.api.asked import (
    Asked,
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
from serving.api.current import Current
from serving.api.decoding import decoded
from serving.api.inline import tables_of_inline
from serving.api.problems import UNFIT, Problem
from serving.api.requests import ScoreRequest
from serving.limits import MOST_CUSTOMERS
from training.bundle import Bundle

Rows = Mapping[str, ScoreRow]


def score_request(body: bytes, most_explained: int) -> ScoreRequest:
    """Return what a body asks: either by id or with events, each customer once.

    Raises
    ------
    Problem
        If it cannot be read, or names customers in another way.
    """
    request = decoded(body, ScoreRequest)
    by_id, inline = request.customer_ids is not UNSET, request.customers is not UNSET
    if by_id == inline:
        mistake = Mistake(
            "customer_ids, customers", "both" if by_id else "neither", "give exactly one of the two"
        )
        raise Problem(UNFIT, f"{mistake}.", [mistake])
    key = "customer_ids" if by_id else "customers"
    _require_sound(ids_of(request), key, most_explained if request.explain else MOST_CUSTOMERS)
    return request


def answer_by_id(
    current: Current, requests: Sequence[ScoreRequest]
) -> Sequence[ScoreAnswer | Problem]:
    """Answer requests on equal terms at once, each as it would be answered alone.

    What is at fault in one request is its problem alone.
    """
    together = _Together(current, requests)
    answers = [together.answer_or_problem(request) for request in requests]
    if len(requests) > 1 and any(_is_unfit(answer) for answer in answers):
        return [answer for one in requests for answer in answer_by_id(current, [one])]
    return answers


def answer_inline(current: Current, request: ScoreRequest) -> ScoreAnswer:
    """Score customers with the events that a request gives, in the order asked.

    Raises
    ------
    Problem
        If the request cannot be answered for every customer it names; then none is scored.
    """
    customers = request.customers or []
    bundle = current.serving().bundle
    require_few_events(customers, current.limits.events)
    keys = [f"customers[{position}]" for position in range(len(customers))]
    tables = tables_of_inline(customers, bundle, keys)
    asked = asked_of(request, bundle, just_after(tables))
    block = block_of_tables(tables, bundle)
    ids = ids_of(request)
    require_visible(ids, block, asked.as_of)
    return _answer(ids, _rows(bundle, block, asked, explain=request.explain), asked, bundle)


def ids_of(request: ScoreRequest) -> list[str]:
    """Return whom a request names, in its order."""
    named = request.customer_ids or []
    return named or [customer.customer_id for customer in request.customers or []]


class _Together:
    """Score the customers of several requests in one block, when the first is found fit."""

    def __init__(self, current: Current, requests: Sequence[ScoreRequest]) -> None:
        self._terms = requests[0]
        self._bundle, self._known = current.serving().bundle, current.known()
        ids = dict.fromkeys(name for request in requests for name in ids_of(request))
        self._tables = self._known.tables_of(list(ids))

    def answer_or_problem(self, request: ScoreRequest) -> ScoreAnswer | Problem:
        """Return what a request gets."""
        ids = ids_of(request)
        try:
            require_known(ids, self._tables, self._known)
            as_of = self._asked.as_of
            require_visible(ids, self._block, as_of)
            return _answer(ids, self._rows, self._asked, self._bundle)
        except Problem as problem:
            return problem

    @cached_property
    def _asked(self) -> Asked:
        return asked_of(self._terms, self._bundle, self._known.observed_until)

    @cached_property
    def _block(self) -> Block:
        return block_of_tables(self._tables, self._bundle)

    @cached_property
    def _rows(self) -> Rows:
        return _rows(self._bundle, self._block, self._asked, explain=self._terms.explain)


def _rows(bundle: Bundle, block: Block, asked: Asked, *, explain: bool) -> Rows:
    scores = score_block(bundle, block, asked)
    return rows_by_id(scores, bundle, explained_block(bundle, block, asked) if explain else {})


def _answer(ids: Sequence[str], rows: Rows, asked: Asked, bundle: Bundle) -> ScoreAnswer:
    return ScoreAnswer(
        as_of=iso(asked.as_of),
        model_version=bundle.version,
        currency=bundle.business.currency,
        scores=[rows[customer_id] for customer_id in ids],
    )


def _is_unfit(answer: ScoreAnswer | Problem) -> bool:
    return isinstance(answer, Problem) and answer.kind is UNFIT


def _require_sound(ids: list[str], key: str, most: int) -> None:
    mistakes = [
        Mistake(key, f"{customer_id!r} {count} times", "name each customer once")
        for customer_id, count in Counter(ids).items()
        if count > 1
    ]
    if len(ids) > most:
        expected = f"expected at most {most} with explain; split the call"
        mistakes.append(Mistake(key, f"{len(ids)} customers", expected))
    if mistakes:
        raise Problem(UNFIT, f"{mistakes[0]}.", mistakes)
