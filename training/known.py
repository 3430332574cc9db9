"""What is known at a cutoff: the one thing that models are fitted on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from features.blocks import Block, blocks
from features.catalogue import Vocabulary, catalogue
from features.instants import datetime_of, instant_of
from features.log import Log
from features.mistakes import InputRefusedError, Mistake
from features.signal import Signal
from features.vocabulary import vocabulary_of
from training.business import Business
from training.landmarks import Landmark, landmarks_before


@dataclass(frozen=True)
class Known:
    """Hold a log as it was known at a cutoff (microseconds); nothing later can be read from it."""

    log: Log
    business: Business
    vocabulary: Vocabulary
    observed_from: int
    cutoff: int
    seed: int = 0

    def blocks(self) -> Iterator[Block]:
        """Yield the log block by block, as it was known at the cutoff."""
        attributes = list(self.vocabulary.levels)
        return blocks(self.log, self.business, attributes, datetime_of(self.cutoff))

    @property
    def landmarks(self) -> list[Landmark]:
        """Instants before the cutoff from which training looks ahead, latest first."""
        return landmarks_before(self.cutoff, self.observed_from, self.business)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The catalogue in this business's words."""
        return catalogue(self.business.contract, self.vocabulary)


def known_at(log: Log, business: Business, attributes: list[str], cutoff: int) -> Known:
    """Return what was known at a cutoff, with the vocabulary of that moment.

    Raises
    ------
    InputRefusedError
        If fewer than two months were observed before it.
    """
    observed_from, _ = observed_bounds(log, business)
    known = Known(
        log,
        business,
        vocabulary_of(log, attributes, datetime_of(cutoff)),
        observed_from,
        cutoff,
    )
    if len(known.landmarks) < 2:
        raise InputRefusedError(
            "there is too little history to train on",
            [
                Mistake(
                    "as-of",
                    f"{datetime_of(cutoff):%Y-%m-%d}",
                    "give an instant at least two months after the first observation, "
                    f"{datetime_of(observed_from):%Y-%m-%d}",
                )
            ],
        )
    return known


def observed_bounds(log: Log, business: Business) -> tuple[int, int]:
    """Return from when until when outcomes are complete, in microseconds.

    Configured, else the span of the events: from the first until just after the last.

    Raises
    ------
    InputRefusedError
        If the log is empty.
    """
    if not log.n_events:
        raise InputRefusedError(
            "there are no events yet",
            [Mistake("state/log", "empty", "run `keepworth ingest` first")],
        )
    first, last = log.span()
    since, until = business.observed_bounds(first, last + timedelta(microseconds=1))
    return instant_of(since), instant_of(until)
