"""POST /v1/what-if: what a customer would be worth, had something happened."""

from typing import NamedTuple

from msgspec import UNSET

from features.blocks import Block
from features.mistakes import Mistake
from serving.api.answers import Difference, ScoreRow, WhatIfAnswer
from serving.api.asked import (
    Asked,
    asked_of,
    block_of_tables,
    explained_change,
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
from serving.api.problems import UNFIT, Problem
from serving.api.requests import WhatIfRequest
from serving.api.supposed import supposed
from training.bundle import Bundle
from training.score_table import CHURN_BY_KIND
from training.scoring import Scores
from valuation.discounting import discount_factors
from valuation.levers import lever_split

NOTE = "A forecast given the events, not the effect of causing them."
_NO_SIGNAL_GROUPS = (
    "by_signal_group is null: the customer is lost before or after, or too few are there to explain"
)
_NO_SHOP_LEVERS = tuple(
    f"{lever} is null: this model version does not forecast purchases apart from baskets"
    for lever in ("frequency", "basket")
)
_NOT_A_SHOP = tuple(
    f"{lever} is null: only shops split value further" for lever in ("frequency", "basket")
)


class _Subject(NamedTuple):
    customer_id: str
    tables: Tables
    default_as_of: int


def answer_what_if(current: Current, body: bytes) -> WhatIfAnswer:
    """Score a customer as things are, and as they would be after hypothetical events.

    Raises
    ------
    Problem
        If customer or events cannot be read, or nothing is known of the customer at `as_of`.
    """
    request = decoded(body, WhatIfRequest)
    bundle = current.serving().bundle
    subject = _subject(request, current, bundle)
    asked = asked_of(request, bundle, subject.default_as_of)
    block_before = _block(subject.tables, subject.customer_id, bundle, asked)
    before = score_block(bundle, block_before, asked)
    then = supposed(request.events, subject.tables, subject.customer_id, bundle, asked.as_of)
    block_after = _block(then.tables, subject.customer_id, bundle, asked)
    after = score_block(bundle, block_after, asked)
    groups = explained_change(bundle, block_before, block_after, asked)
    row_before, row_after = (
        rows_by_id(scores, bundle)[subject.customer_id] for scores in (before, after)
    )
    return WhatIfAnswer(
        as_of=iso(asked.as_of),
        model_version=bundle.version,
        currency=bundle.business.currency,
        before=row_before,
        after=row_after,
        difference=_difference(before, after, asked, _by_kind(row_before, row_after)),
        by_signal_group=groups,
        warnings=[*then.warnings, *_warnings(bundle, groups)],
        note=NOTE,
    )


def _subject(request: WhatIfRequest, current: Current, bundle: Bundle) -> _Subject:
    if request.customer_id is not UNSET and request.customer is UNSET:
        known = current.known()
        tables = known.tables_of([request.customer_id])
        require_known([request.customer_id], tables, known)
        return _Subject(request.customer_id, tables, known.observed_until)
    if request.customer is not UNSET and request.customer_id is UNSET:
        require_few_events([request.customer], current.limits.events)
        tables = tables_of_inline([request.customer], bundle, ["customer"])
        return _Subject(request.customer.customer_id, tables, just_after(tables))
    given = "both" if request.customer is not UNSET else "neither"
    mistake = Mistake("customer_id, customer", given, "give exactly one of the two")
    raise Problem(UNFIT, f"{mistake}.", [mistake])


def _block(tables: Tables, customer_id: str, bundle: Bundle, asked: Asked) -> Block:
    block = block_of_tables(tables, bundle)
    require_visible([customer_id], block, asked.as_of)
    return block


def _warnings(bundle: Bundle, groups: dict[str, float] | None) -> list[str]:
    is_shop = bundle.business.contract == "transactional"
    of_groups = [_NO_SIGNAL_GROUPS] if groups is None else []
    return [*of_groups, *(_NO_SHOP_LEVERS if is_shop else _NOT_A_SHOP)]


def _difference(
    before: Scores, after: Scores, asked: Asked, by_kind: dict[str, float | None]
) -> Difference:
    """Split the difference by lever; `time` and `value` add up to that of CLV."""
    levers = lever_split(
        before.forecast.activity,
        before.forecast.margin_if_active,
        after.forecast.activity,
        after.forecast.margin_if_active,
        discount_factors(asked.horizon_months, asked.annual_discount_rate),
    )
    churn = after.forecast.churn[0] - before.forecast.churn[0]
    return Difference(
        clv=float(after.clv[0] - before.clv[0]),
        time=float(levers.time[0]),
        value=float(levers.value[0]),
        frequency=None,
        basket=None,
        churn_1m=float(churn[0]),
        churn_3m=float(churn[2]),
        churn_6m=float(churn[5]),
        churn_12m=float(churn[11]),
        **by_kind,
    )


def _by_kind(before: ScoreRow, after: ScoreRow) -> dict[str, float | None]:
    """Return differences of three-month churn by kind of exit; null where one of both is."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in CHURN_BY_KIND)
    return {name: None if None in (old, new) else new - old for name, old, new in pairs}
