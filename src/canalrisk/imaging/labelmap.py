"""A label map in memory: array, affine grid, and the table that says what each integer is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canalrisk.field.grid import Grid
from canalrisk.findings import Finding


@dataclass(frozen=True)
class LabelTable:
    """What the integers of a segmentation tool mean.

    `entries` maps integer to structure name in our vocabulary: ``vertebra:C5``, ``disc:C5/6``, ``cord``,
    ``cord_or_sac``, ``csf``, ``epidural``, ``canal_content`` (canal minus cord), ``canal`` (all of it),
    ``flavum``, ``artery:left``, ``artery:right``, ``root:C6:left``, ``mass``, ``part:arch`` and other
    subregions, ``point:C5/6`` (single voxels, no segmentation), ``ignore``. `canal` and `sac` are unions of names.
    """

    name: str
    version: str
    entries: dict[int, str]
    source: str = ""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A segmentation and what its integers mean.

    Parameters
    ----------
    labels : ndarray of int16 or int32, (nx, ny, nz)
        In the array order of the file; never reoriented.
    grid : Grid
        Where the voxels are, RAS+ mm.
    table : LabelTable
        The integers' meaning.
    mass : ndarray of bool, optional
        The calcified mass on the same grid, when given as its own file or as a label.
    mass_is_label : bool
        True when the mass came as a label of the map and so has replaced what lay under it.
    source : dict
        File names (no paths), SHA-256, label table choice: for provenance.
    findings : tuple of Finding
        What reading had to assume.
    soft : dict of str to ndarray of float32, (nx, ny, nz)
        Share of each voxel, 0 to 1, that ``cord``, ``canal`` (cord included) or ``mass`` fills, where a soft
        segmentation was given; ``gray``: probability of gray matter.
    image : ndarray of float32, (nx, ny, nz), optional
        CT on the same grid, Hounsfield units.
    """

    labels: NDArray[np.integer]
    grid: Grid
    table: LabelTable
    mass: NDArray[np.bool_] | None = None
    mass_is_label: bool = False
    source: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    soft: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    image: NDArray[np.float32] | None = None

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """Voxels whose structure is one of `names` (exact names)."""
        values = [value for value, name in self.table.entries.items() if name in names]
        return np.isin(self.labels, values)

    def crop(self, low: ArrayLike, high: ArrayLike) -> LabelMap:
        """Return the part ``[low:high]`` (half-open, per axis), everything on the same voxels with it; views."""
        box = tuple(slice(a, b) for a, b in zip(np.asarray(low).tolist(), np.asarray(high).tolist(), strict=True))
        return replace(
            self,
            labels=self.labels[box],
            grid=self.grid.crop(low, high),
            mass=None if self.mass is None else self.mass[box],
            soft={name: share[box] for name, share in self.soft.items()},
            image=None if self.image is None else self.image[box],
        )
