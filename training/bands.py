"""Bands of months ahead, within which an effect stays the same."""

import numpy as np
from numpy.typing import NDArray

BANDS = (1, 2, 4, 7, 13)
"""First month ahead of each band: exits that are given notice of never fall into month 1."""


def band_of(month: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each month's band, from 0; months ahead count from 1."""
    return np.searchsorted(BANDS, month, side="right") - 1
