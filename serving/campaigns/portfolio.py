"""The whole portfolio judged for campaigns from the log, slice by slice."""

from collections.abc import Callable, Iterator

import numpy as np

from features.blocks import Block, block_of_slice
from features.contract import KIND_CODES
from features.instants import datetime_of
from features.log import Log
from features.slices import slices
from serving.campaigns.candidates import Candidate, Judge

Tell = Callable[[str, float], None]


def portfolio_candidates(
    log: Log, judge: Judge, as_of: int, occasion: str, tell: Tell = lambda _what, _share: None
) -> list[Candidate]:
    """Return whom the judge's campaigns are for, as known at `as_of`, in the order of the log."""
    found: list[Candidate] = []
    passed = 0
    for block, events in _blocks(log, judge, as_of):
        found += _judged(log, judge, block, as_of, occasion)
        passed += events
        tell(f"judged {passed:,} of {log.n_events:,} events", passed / log.n_events)
    return found


def who_had(block: Block, kinds: list[str], since: int, until: int) -> set[str]:
    """Return the customers of a block of whom such an event became known from since to until."""
    history = block.history
    codes = [KIND_CODES[kind] for kind in kinds]
    is_one = np.isin(history.kind, codes) & (history.visible >= since) & (history.visible < until)
    return set(history.customer_ids[np.unique(history.customer[is_one])].tolist())


def candidates_after_events(
    log: Log, judge: Judge, kinds: list[str], since: int, as_of: int
) -> list[Candidate]:
    """Return the candidates of whom an event of these kinds became known since an instant."""
    found: list[Candidate] = []
    for block, _ in _blocks(log, judge, as_of):
        concerned = who_had(block, kinds, since, as_of)
        judged = _judged(log, judge, block, as_of, "replay") if concerned else []
        found += [each for each in judged if each.customer_id in concerned]
    return found


def _blocks(log: Log, judge: Judge, as_of: int) -> Iterator[tuple[Block, int]]:
    """Yield the customers of each slice who had been seen by then, and its number of events."""
    bundle = judge.bundle
    attributes = list(bundle.vocabulary.levels)
    for part in slices(log):
        visible_before = datetime_of(as_of)
        block = block_of_slice(log, part, bundle.business, attributes, visible_before)
        if block.history.n_customers:
            yield block, part.events


def _judged(log: Log, judge: Judge, block: Block, as_of: int, occasion: str) -> list[Candidate]:
    people = log.read_customers([str(each) for each in block.history.customer_ids])
    return judge.candidates(block, as_of, people, lambda _: occasion)
