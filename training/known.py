"""What is known at a cutoff: the one thing that models are fitted on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from features.blocks import Block, blocks
from features.catalogue import Vocabulary, catalogue
from features.instants import datetime_of, instant_of
from features.log import Log
from features.mistakes import InputRefusedError, Mistake
from features.population import references_of
from features.references import References
from features.signal import Signal
from features.signals.tenure import SEASON
from features.vocabulary import vocabulary_of
from training.boosting import RowSample
from training.business import Business
from training.landmarks import MOST_LANDMARKS, Landmark, landmarks_before

TWO_CYCLES_MONTHS = 24
"""Before two years were seen, what comes back every year cannot be told from a trend."""


@dataclass(frozen=True)
class Known:
    """Hold a log as it was known at a cutoff (microseconds); nothing later can be read from it.

    `landmarks` are the instants before the cutoff from which training looks ahead, latest first,
    each with what was known of the population then; `references` is what was at the cutoff.
    Models are not offered the signals of the groups `left_out`.
    """

    log: Log
    business: Business
    vocabulary: Vocabulary
    observed_from: int
    cutoff: int
    landmarks: Mapping[Landmark, References]
    references: References
    sample: RowSample = field(default_factory=RowSample)
    left_out: tuple[str, ...] = ()

    def blocks(self) -> Iterator[Block]:
        """Yield the log block by block, as it was known at the cutoff."""
        attributes = list(self.vocabulary.levels)
        return blocks(self.log, self.business, attributes, datetime_of(self.cutoff))

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What models are trained on: the catalogue in this business's words.

        The season is left out before two of its cycles were seen: in one it is a clock.
        """
        signals = tuple(
            signal
            for signal in catalogue(self.business.contract, self.vocabulary)
            if signal.group not in self.left_out
        )
        longest = max(landmark.months_observed for landmark in self.landmarks)
        if longest >= TWO_CYCLES_MONTHS:
            return signals
        return tuple(signal for signal in signals if signal.group != SEASON)


def known_at(
    log: Log,
    business: Business,
    attributes: list[str],
    cutoff: int,
    most_landmarks: int = MOST_LANDMARKS,
) -> Known:
    """Return what was known at a cutoff, with the vocabulary and references of that moment.

    Raises
    ------
    InputRefusedError
        If fewer than two months were observed before it.
    """
    observed_from, _ = observed_bounds(log, business)
    landmarks = landmarks_before(cutoff, observed_from, business, most_landmarks)
    _require_history(landmarks, observed_from, cutoff)
    instants = [*(landmark.as_of for landmark in landmarks), cutoff]
    *then, now = references_of(log, business, instants)
    return Known(
        log,
        business,
        vocabulary_of(log, business, attributes, datetime_of(cutoff)),
        observed_from,
        cutoff,
        landmarks=dict(zip(landmarks, then, strict=True)),
        references=now,
    )


def _require_history(landmarks: list[Landmark], observed_from: int, cutoff: int) -> None:
    if len(landmarks) < 2:
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
    return bounds_of_span(log.span(), business)


def bounds_of_span(span: tuple[datetime, datetime], business: Business) -> tuple[int, int]:
    """Return the same for events of which the first and the last are known."""
    first, last = span
    since, until = business.observed_bounds(first, last + timedelta(microseconds=1))
    return instant_of(since), instant_of(until)
