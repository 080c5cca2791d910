"""The mass as the cord can feel it: without spikes and clefts finer than the cord model resolves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.field import Grid, redistance

Array = NDArray[np.float64]

# A spike thinner than twice this passes between contact points and pierces the cord.
SPIKE_MM = 0.75
# Soft tissue under a taut pia does not fill a cleft narrower than twice this.
CLEFT_MM = 2.5
_BAND_MM = 7.0


@dataclass(frozen=True, eq=False)
class ContactMass:
    """Field of the mass for contact, mm, and the volumes that rounding took and gave, mm3."""

    values: Array
    removed_mm3: float
    filled_mm3: float


def contact_mass(mass: Array, *, grid: Grid, near: Array) -> ContactMass:
    """Open and close the mass where it may meet the cord.

    Opening (erode, dilate) by `SPIKE_MM`, then closing (dilate, erode) by `CLEFT_MM`, through re-distanced
    fields. Convex parts wider than a spike keep their surface.

    Parameters
    ----------
    mass : (nx, ny, nz) ndarray
        Signed distance, mm.
    grid : Grid
        Its grid.
    near : (n, 3) ndarray
        Surface of the cord where the mass can reach it, mm: outside the box around it (6 mm more) nothing changes.

    Returns
    -------
    ContactMass
    """
    voxel = grid.to_voxel(near)
    margin = 6.0 / grid.spacing
    low = np.clip(np.floor(voxel.min(axis=0) - margin).astype(int), 0, np.array(grid.shape) - 4)
    high = np.clip(np.ceil(voxel.max(axis=0) + margin).astype(int) + 1, low + 4, grid.shape)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    before = mass[window]
    if before.min() >= 0.0:
        return ContactMass(mass, 0.0, 0.0)
    part = grid.crop(low, high)
    core = redistance(before + SPIKE_MM, grid=part, band=_BAND_MM)
    blunt = redistance(core - SPIKE_MM - CLEFT_MM, grid=part, band=_BAND_MM)
    after = np.asarray(blunt, np.float64) + CLEFT_MM
    # Beyond the band and at the window's rim the field stays what it was.
    rim = np.minimum.reduce([_to_rim(after.shape, axis) * part.spacing[axis] for axis in range(3)])
    share = np.clip(rim / 3.0, 0.0, 1.0) * (np.abs(after) < _BAND_MM - CLEFT_MM - 0.5)
    rounded = mass.copy()
    rounded[window] = (1.0 - share) * before + share * after
    volume = part.voxel_volume
    removed = float(((before < 0) & (rounded[window] > 0)).sum() * volume)
    filled = float(((before > 0) & (rounded[window] < 0)).sum() * volume)
    return ContactMass(rounded, removed, filled)


def _to_rim(shape: tuple[int, ...], axis: int) -> Array:
    index = np.arange(shape[axis], dtype=float)
    line = np.minimum(index, index[::-1])
    spread: Array = line.reshape([-1 if a == axis else 1 for a in range(3)]) * np.ones(shape)
    return spread
