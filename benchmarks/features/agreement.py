"""How often two engines give the same bits: shares of equal values, and the largest distance.

    python -m benchmarks.features.agreement FOLDER FOLDER

compares what two engines kept: all signals of all customers at all cutoffs.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.features.measuring import Json
from benchmarks.features.signals_compared import instants


def keep_matrix(
    folder: Path, as_of: int, customer_ids: Sequence[str], matrix: NDArray[np.float64]
) -> None:
    """Save the signals of some customers at one cutoff, at once, so that no memory is held."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob(f"{as_of}-*.npz")))
    ids = np.asarray(customer_ids, dtype=str)
    np.savez(folder / f"{as_of}-{number:04d}.npz", customers=ids, signals=matrix)


def kept_matrix(folder: Path, as_of: int) -> NDArray[np.float64]:
    """Return all that was kept for one cutoff, customers sorted by id."""
    parts = [np.load(path) for path in sorted(folder.glob(f"{as_of}-*.npz"))]
    order = np.argsort(np.concatenate([part["customers"] for part in parts]))
    matrix: NDArray[np.float64] = np.concatenate([part["signals"] for part in parts])[order]
    return matrix


def compared(expected: NDArray[np.float64], found: NDArray[np.float64]) -> Json:
    """Return the share of values equal in every bit, NaN equal to NaN, and the most units apart.

    `most_ulps` counts units in the last place; None where one has a value and the other has none.
    """
    expected, found = np.ascontiguousarray(expected), np.ascontiguousarray(found)
    both_absent = np.isnan(expected) & np.isnan(found)
    equal = both_absent | (expected.view(np.int64) == found.view(np.int64))
    one_absent = np.isnan(expected) != np.isnan(found)
    apart = np.abs(expected.view(np.int64) - found.view(np.int64))[~equal & ~one_absent]
    return {
        "values": int(equal.size),
        "equal_share": float(equal.mean()),
        "most_ulps": None if one_absent.any() else int(apart.max(initial=0)),
    }


def main() -> None:
    """Print the agreement of the two folders."""
    sides = [[kept_matrix(Path(folder), as_of) for as_of in instants()] for folder in sys.argv[1:]]
    print(json.dumps(compared(*(np.concatenate(side) for side in sides))))


if __name__ == "__main__":
    main()
