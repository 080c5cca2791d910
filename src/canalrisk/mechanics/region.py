"""Which part of the cord the numbers are about: the levels that the mass touches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.spine import Spine

Array = NDArray[np.float64]

# Half the height of a cervical vertebra and disc, for a level whose neighbours are not in the image
# (15.5 to 18.5 mm from C3 to C7, evidence/MECHANICS.md, template geometry).
HALF_LEVEL_MM = 8.5


@dataclass(frozen=True)
class Region:
    """Levels `names` (cranial to caudal) between arc lengths `low` and `high`, mm."""

    names: tuple[str, ...]
    low: float
    high: float


def level_slabs(spine: Spine) -> dict[str, tuple[float, float]]:
    """Arc-length interval of every vertebra, from the disc below to the disc above, mm.

    Parameters
    ----------
    spine : Spine
        Its `levels` and `landmarks`.

    Returns
    -------
    dict of str to (float, float)
        Cranial to caudal; empty when there are no landmarks.
    """
    discs = {name: s for name, s in spine.landmarks.items() if "/" in name}
    slabs = {}
    for name in spine.levels:
        if name not in spine.landmarks:
            continue
        middle = spine.landmarks[name]
        below = [s for disc, s in discs.items() if disc.split("/")[0] == name and s < middle]
        above = [s for disc, s in discs.items() if _lower(disc) == name and s > middle]
        slabs[name] = (below[0] if below else middle - HALF_LEVEL_MM, above[0] if above else middle + HALF_LEVEL_MM)
    return slabs


def _lower(disc: str) -> str:
    upper, lower = disc.split("/")
    return lower if lower[0].isalpha() else upper[0] + lower


def touched_region(spine: Spine, *, low: float, high: float, start: float, end: float) -> Region:
    """Levels that overlap [low, high], clipped to the modelled cord [start, end], mm.

    Without landmarks the region is [low, high] widened by half a level.
    """
    slabs = level_slabs(spine)
    touched = {name: slab for name, slab in slabs.items() if slab[0] <= high and slab[1] >= low}
    bottom = min([slab[0] for slab in touched.values()], default=low - HALF_LEVEL_MM)
    top = max([slab[1] for slab in touched.values()], default=high + HALF_LEVEL_MM)
    return Region(tuple(touched), max(min(bottom, low), start), min(max(top, high), end))
