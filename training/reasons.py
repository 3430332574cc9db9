"""Reasons: the largest contributions of a customer, each as a sentence with its money."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.months import DAY
from features.plan_moves import PlanMoves
from features.signal import Signal
from training.contributions import Lens, Shares
from training.explained import Values
from training.sentences import Facts, days_ago, money, sentence_of
from training.topics import MOVE, PRICE, topic_of

_LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Pair:
    """Hold a customer's point, the typical one it is held against, and how they differ in value.

    `has_moved` says that the typical one is of the plan the customer came from.
    """

    point: Values
    usual: Values
    shares: Shares
    has_moved: bool = False


@dataclass(frozen=True)
class Reasons:
    """Find the words for contributions of customers.

    `moves` are those of the same customers, booked ones too; `labels` are the texts of its codes.
    """

    lens: Lens
    moves: PlanMoves
    labels: Sequence[str]
    as_of: int
    currency: str

    def of(self, customer: int, pair: Pair, most: int) -> tuple[str, ...]:
        """Return at most so many sentences, the largest contribution first.

        A player is told by the topic that moves the value most in the direction of the player.
        """
        facts = self._facts(customer, pair)
        told = []
        for player, topic in self._telling(pair, _largest(pair.shares, most)).items():
            signals = self._signals(self._masks[player, topic], pair)
            # Whoever changed plans pays another price because of that.
            said = MOVE if topic == PRICE and pair.has_moved and facts.move else topic
            amount = money(pair.shares.contributions[player], self.currency)
            told.append(f"{sentence_of(said, facts, signals)}: {amount}")
        return tuple(told)

    def _telling(self, pair: Pair, players: Sequence[str]) -> dict[str, str]:
        """Return the most telling topic of each player."""
        differing = self.lens.differing(pair.point, pair.usual)
        masks = {
            (player, topic): self._masks[player, topic]
            for player in players
            for topic in self._topics[player]
            if (self._masks[player, topic] & differing).any()
        }
        effects = self.lens.effects(pair.point, pair.usual, list(masks.values()))
        best: dict[str, tuple[float, str]] = {}
        for (player, topic), effect in zip(masks, effects.tolist(), strict=True):
            towards = effect if pair.shares.contributions[player] > 0 else -effect
            if player not in best or towards > best[player][0]:
                best[player] = towards, topic
        return {player: best[player][1] for player in players}

    @cached_property
    def _masks(self) -> dict[tuple[str, str], NDArray[np.bool_]]:
        """Which numbers of a point are on a topic of a player."""
        pairs = [(number.player, topic_of(number)) for number in self.lens.numbers]
        return {pair: np.array([other == pair for other in pairs]) for pair in dict.fromkeys(pairs)}

    @cached_property
    def _topics(self) -> dict[str, list[str]]:
        topics: dict[str, list[str]] = {player: [] for player in self.lens.players}
        for player, topic in self._masks:
            topics[player].append(topic)
        return topics

    def _signals(self, mask: NDArray[np.bool_], pair: Pair) -> list[Signal]:
        """Return the signals of a topic, those that differ most for their size first."""
        point, usual = pair.point, pair.usual
        size = np.abs(point) + np.abs(usual)
        apart = np.divide(np.abs(point - usual), size, out=np.zeros(len(size)), where=size > 0)
        apart = np.where(np.isnan(apart), 1.0, apart) + 2.0 * self.lens.differing(point, usual)
        order = np.flatnonzero(mask)[np.argsort(-apart[mask], kind="stable")]
        found = (self.lens.numbers[number].signal for number in order)
        return [signal for signal in found if signal is not None]

    def _facts(self, customer: int, pair: Pair) -> Facts:
        names = [number.name for number in self.lens.numbers]
        own, usual = (
            dict(zip(names, point.tolist(), strict=True)) for point in (pair.point, pair.usual)
        )
        return Facts(own, usual, self.currency, self._moves.get(customer))

    @cached_property
    def _moves(self) -> dict[int, str]:
        """The latest move between plans of each customer who ever moved, in words."""
        moves = self.moves
        told = {}
        for place in np.flatnonzero(moves.is_to_other_plan):
            before = self.labels[moves.label_before[place]]
            now = self.labels[moves.label_now[place]]
            told[int(moves.customer[place])] = self._moved(before, now, int(moves.at[place]))
        return told

    def _moved(self, before: str, now: str, at: int) -> str:
        days = (self.as_of - at) / DAY
        if days < 0:
            ahead = int(np.ceil(-days))
            return f"moves from {before} to {now} in {ahead} day{'' if ahead == 1 else 's'}"
        return f"moved from {before} to {now} {days_ago(days)}"


def _largest(shares: Shares, most: int) -> Sequence[str]:
    """Return the players with the largest contributions, those next to nothing left out."""
    total = sum(abs(share) for share in shares.contributions.values())
    worth_telling = [
        player
        for player, share in shares.contributions.items()
        if share and abs(share) >= _LEAST_SHARE * total
    ]
    by_size = sorted(worth_telling, key=lambda player: -abs(shares.contributions[player]))
    return by_size[:most]
