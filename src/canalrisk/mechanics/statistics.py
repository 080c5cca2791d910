"""Weighted statistics of fields over a region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def weighted_quantile(values: Array, *, weights: Array, share: float) -> float:
    """Value below which the given share of the weight lies.

    Parameters
    ----------
    values, weights : (n,) ndarray
        Weights are not negative.
    share : float
        In [0, 1].

    Returns
    -------
    float
        Linear between points of the cumulative weight taken at mid-weight; NaN without weight.
    """
    total = weights.sum()
    if total <= 0:
        return float("nan")
    order = np.argsort(values, kind="stable")
    ordered, part = values[order], weights[order]
    middle = (np.cumsum(part) - 0.5 * part) / total
    return float(np.interp(share, middle, ordered))


def weighted_mean(values: Array, *, weights: Array) -> float:
    """Weighted mean; NaN without weight."""
    total = weights.sum()
    return float((values * weights).sum() / total) if total > 0 else float("nan")
