"""The part of a large scan that a cervical spine and its mass need: fields on the rest would cost memory and time."""

from __future__ import annotations

import numpy as np

from canalrisk.anatomy.levels import CERVICAL
from canalrisk.imaging.labelmap import LabelMap

# Distances are clipped at 15 mm, and a canal is followed 15 mm beyond the last vertebra: nothing further out is read.
MARGIN_MM = 25.0
# Cutting off less than this share is not worth a second grid.
_WORTH = 0.25


def to_spine(labelmap: LabelMap) -> LabelMap:
    """Crop a label map to the vertebrae C1 to T1, the mass, and 25 mm around.

    Parameters
    ----------
    labelmap : LabelMap
        Of any size.

    Returns
    -------
    LabelMap
        What `build_spine` and `measure` make of it is the same as of the whole, on fewer voxels; the map itself where
        it is hardly larger than that or holds no cervical vertebra.
    """
    names = {f"vertebra:{level}" for level in CERVICAL}
    values = [value for value, name in labelmap.table.entries.items() if name in names or name == "mass"]
    shape = np.array(labelmap.grid.shape)
    used = [np.zeros(n, bool) for n in shape]
    # Slab by slab: a mask of a whole CT is as large as the map.
    for i, slab in enumerate(labelmap.labels):
        there = np.isin(slab, values)
        if labelmap.mass is not None:
            there |= labelmap.mass[i]
        used[0][i] = there.any()
        used[1] |= there.any(axis=1)
        used[2] |= there.any(axis=0)
    if not used[0].any():
        return labelmap
    ends = np.array([np.flatnonzero(line)[[0, -1]] for line in used])
    reach = np.ceil(MARGIN_MM / labelmap.grid.spacing).astype(int)
    low, high = np.maximum(ends[:, 0] - reach, 0), np.minimum(ends[:, 1] + 1 + reach, shape)
    if np.prod((high - low) / shape) > 1.0 - _WORTH:
        return labelmap
    return labelmap.crop(low, high)
