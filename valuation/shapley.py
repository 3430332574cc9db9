"""Shapley values: a value shared out among the players that make it together.

A player brings what a coalition gains when the player joins it, on average over every order in
which all can join. Coalitions are numbered by their members: player i is in coalition c where bit
i of c is set, so that 0 is nobody and the last one is everybody.
"""

from math import factorial

import numpy as np
from numpy.typing import NDArray

from valuation.arrays import FloatArray, finite_matrix

MOST_PLAYERS = 16
"""With more, coalitions are too many to value one by one."""


def coalitions(n_players: int) -> NDArray[np.bool_]:
    """Return who is in each coalition, shape (2 ** n_players, n_players).

    Raises
    ------
    ValueError
        If there are less than 0 or more than 16 players.

    Examples
    --------
    >>> coalitions(2).astype(int)
    array([[0, 0],
           [1, 0],
           [0, 1],
           [1, 1]])
    """
    if not 0 <= n_players <= MOST_PLAYERS:
        raise ValueError(f"n_players is {n_players}; give 0 to {MOST_PLAYERS}.")
    numbers = np.arange(2**n_players)[:, None]
    return (numbers >> np.arange(n_players)) % 2 == 1


def shapley_values(coalition_values: FloatArray) -> FloatArray:
    """Share the value of everybody over that of nobody among the players, exactly.

    With n players and v the value of a coalition, player i gets::

        phi(i) = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S and i) - v(S))

    so v(nobody) + sum over i of phi(i) = v(everybody); a player who changes no coalition gets
    exactly 0, and two who change every coalition alike get the same.

    Parameters
    ----------
    coalition_values : (n_customers, 2 ** n_players)
        Value of each coalition in the order of `coalitions`, for example in major units.

    Returns
    -------
    (n_customers, n_players)
        In the unit of the values, signed.

    Raises
    ------
    ValueError
        If a value is not finite, or the number of coalitions is no power of 2.

    Notes
    -----
    Shapley (1953), "A value for n-person games", equation 13.

    Examples
    --------
    A left and a right glove are worth 1 together, a lone one nothing:

    >>> shapley_values(np.array([[0.0, 0.0, 0.0, 1.0]]))
    array([[0.5, 0.5]])
    """
    values = finite_matrix("coalition_values", coalition_values)
    n_players = _players_of(values.shape[1])
    weights = _weights(n_players)
    shared = [_brought_by(values, weights, player) for player in range(n_players)]
    return np.stack(shared, axis=1) if shared else np.empty((len(values), 0))


def _brought_by(values: FloatArray, weights: FloatArray, player: int) -> FloatArray:
    with_or_without = (len(values), -1, 2, 2**player)
    without, joined = np.moveaxis(values.reshape(with_or_without), 2, 0)
    weight = weights.reshape(with_or_without[1:])[:, 0]
    return np.asarray(((joined - without) * weight).sum(axis=(1, 2)))


def _weights(n_players: int) -> FloatArray:
    """Return the weight of joining each coalition; of no use for that of everybody."""
    sizes = coalitions(n_players).sum(axis=1)
    orders = [factorial(size) * factorial(n_players - size - 1) for size in range(n_players)]
    shares = [count / factorial(n_players) for count in orders]
    return np.array([*shares, 0.0])[sizes]


def _players_of(n_coalitions: int) -> int:
    n_players = n_coalitions.bit_length() - 1
    if n_coalitions != 2**n_players:
        raise ValueError(
            f"coalition_values has {n_coalitions} columns; give 2 ** n_players of them, one for "
            "each coalition."
        )
    return n_players
