"""Canal and cord compromise against the nearest healthy sections."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A reference this far from the first and the last section that the mass reaches: two slices of a clinical scan
# (2-3 mm), so that neither partial volume nor a reconstructed wall beside the mass enters it, and a third of a
# cervical level (15-18 mm), so that it stays a neighbour.
CLEAR_MM = 5.0


def compromise(
    diameter: Array, affected: NDArray[np.bool_], worst: int, *, s: Array
) -> tuple[float, int | None, int | None]:
    """1 - d / mean(d_above, d_below) with the nearest unaffected sections as reference.

    Unaffected is at least 5 mm beyond the whole range that the mass reaches: a gap between two lobes is none.

    Parameters
    ----------
    diameter : (n,) ndarray
        Mid-sagittal diameter per section, caudal to cranial, mm.
    affected : (n,) ndarray of bool
        Sections that the mass reaches.
    worst : int
        The worst section.
    s : (n,) ndarray
        Arc length per section, increasing, mm.

    Returns
    -------
    value : float
        0 where no section is affected; NaN without any reference or diameter.
    above, below : int or None
        Reference sections; None where there is none on that side.

    References
    ----------
    Fehlings et al. 1999, Spine 24:605-613 (MCC, MSCC).
    """
    if not affected.any():
        return (0.0 if np.isfinite(diameter).any() else float("nan")), None, None
    reached = s[affected]
    healthy = np.isfinite(diameter) & (diameter > 0)
    over = np.flatnonzero(healthy & (s >= reached[-1] + CLEAR_MM))
    under = np.flatnonzero(healthy & (s <= reached[0] - CLEAR_MM))
    above = int(over[0]) if len(over) else None
    below = int(under[-1]) if len(under) else None
    reference = [diameter[i] for i in (above, below) if i is not None]
    if not reference or not np.isfinite(diameter[worst]):
        return float("nan"), above, below
    return float(1.0 - diameter[worst] / np.mean(reference)), above, below
