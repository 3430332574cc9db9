"""What every function of this package asks of its arrays, checked once at the door.

Rows are customers, counted from 0; columns are months, counted from 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def finite_vector(name: str, values: FloatArray) -> FloatArray:
    """Return `values` as float64 of shape (n_customers,), none of them NaN or infinite.

    Raises
    ------
    ValueError
        If the shape differs or a value is not finite; the first such row is named.
    """
    return _require_finite(name, _as_floats(name, values, 1))


def finite_matrix(name: str, values: FloatArray) -> FloatArray:
    """Return `values` as float64 of shape (n_customers, horizon_months), at least one month.

    Raises
    ------
    ValueError
        If the shape differs or a value is not finite; the first such row is named.
    """
    checked = _require_finite(name, _as_floats(name, values, 2))
    if checked.shape[1] == 0:
        raise ValueError(f"{name} has shape {checked.shape}; give at least one month.")
    return checked


def vector_with_gaps(name: str, values: FloatArray) -> FloatArray:
    """Return `values` as float64 of shape (n_customers,); NaN stands for not known.

    Raises
    ------
    ValueError
        If the shape differs or a value is infinite; the first such row is named.
    """
    return _require_not_infinite(name, _as_floats(name, values, 1))


def matrix_with_gaps(name: str, values: FloatArray) -> FloatArray:
    """Return `values` as float64 of shape (n_customers, any); NaN stands for not known.

    Raises
    ------
    ValueError
        If the shape differs or a value is infinite; the first such row is named.
    """
    return _require_not_infinite(name, _as_floats(name, values, 2))


def require_equal_shapes(**arrays: NDArray[Any]) -> None:
    """Raise ValueError, with the first two that differ, unless all shapes are equal."""
    (first_name, first), *others = arrays.items()
    for name, array in others:
        if array.shape != first.shape:
            raise ValueError(
                f"{first_name} has shape {first.shape} and {name} {array.shape}; give equal shapes."
            )


def require_equal_rows(**arrays: NDArray[Any]) -> None:
    """Raise ValueError, with the first two that differ, unless all have as many customers."""
    (first_name, first), *others = arrays.items()
    for name, array in others:
        if len(array) != len(first):
            raise ValueError(
                f"{first_name} has {len(first)} customers and {name} {len(array)}; "
                "give one row for each customer."
            )


def require_within(name: str, values: FloatArray, least: float, most: float) -> None:
    """Raise ValueError, naming the first offender, unless all lie in [least, most]."""
    inside = (values >= least) & (values <= most)
    _refuse_first(name, values, ~inside, f"give values from {least:g} to {most:g}.")


def require_at_least_zero(name: str, values: FloatArray) -> None:
    """Raise ValueError, naming the first offender, if a value is negative; NaN passes."""
    _refuse_first(name, values, values < 0, "give zero or more.")


def weighted_row_sums(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the sum of each row of `values` (n, m) times `weights` (m,), shape (n,).

    A row comes out alone as it does in a crowd, to the bit: a matrix product rounds differently
    for one row and many, and so does a sum along rows that do not lie in one piece.
    """
    return np.asarray(np.multiply(values, weights, order="C").sum(axis=1))


def _as_floats(name: str, values: FloatArray, n_dimensions: int) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != n_dimensions:
        expected = "(n_customers,)" if n_dimensions == 1 else "(n_customers, n_months)"
        raise ValueError(f"{name} has shape {array.shape}; give {expected}.")
    return array


def _require_finite(name: str, values: FloatArray) -> FloatArray:
    _refuse_first(name, values, ~np.isfinite(values), "give finite numbers.")
    return values


def _require_not_infinite(name: str, values: FloatArray) -> FloatArray:
    _refuse_first(name, values, np.isinf(values), "give finite numbers, or NaN if not known.")
    return values


def _refuse_first(
    name: str, values: FloatArray, wrong: NDArray[np.bool_], expectation: str
) -> None:
    if not wrong.any():
        return
    index = np.argwhere(wrong)[0].tolist()
    value = float(values[tuple(index)])
    places = ("", " in row {}", " in row {}, month {}")
    place = places[len(index)].format(*index[:1], *(column + 1 for column in index[1:]))
    raise ValueError(f"{name} is {value}{place}; {expectation}")
