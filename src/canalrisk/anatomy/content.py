"""What a label map says about canal, discs and soft tissue: masks and points by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.levels import Vertebrae
from canalrisk.anatomy.spine import Array
from canalrisk.errors import GeometryError
from canalrisk.field.grid import Grid
from canalrisk.imaging.labelmap import LabelMap

Mask = NDArray[np.bool_]

_BEYOND_MM = 15.0


@dataclass(frozen=True, eq=False)
class Content:
    """What the label map says about the canal and what lies in it; None where it says nothing.

    `canal_share`, `cord_share`: share of each voxel that they fill, from a soft segmentation.
    """

    canal: Mask | None
    sac: Mask | None
    cord: Mask | None
    either: Mask | None
    canal_share: NDArray[np.float32] | None = None
    cord_share: NDArray[np.float32] | None = None


def read_content(labelmap: LabelMap) -> Content:
    """Collect the masks of canal, sac and cord."""
    present = set(_present(labelmap).values())

    def given(*names: str) -> Mask | None:
        return labelmap.mask(*names) if present & set(names) else None

    whole, cord, csf = given("canal"), given("cord"), given("csf")
    outer = given("epidural", "canal_content")
    either = given("cord_or_sac")
    canal = None
    if whole is not None or outer is not None:
        canal = labelmap.mask("canal", "cord", "csf", "epidural", "canal_content", "cord_or_sac")
    sac = labelmap.mask("cord", "csf", "cord_or_sac") if csf is not None else None
    return Content(canal=canal, sac=sac, cord=cord, either=either)


def near(mask: Mask, vertebrae: Vertebrae, *, grid: Grid) -> Mask:
    """Keep the part of a long tube that lies beside the cervical vertebrae, 15 mm more at either end.

    Raises
    ------
    GeometryError
        If nothing is left.
    """
    heights = np.concatenate([points @ vertebrae.cranial for points in vertebrae.points.values()])
    where = np.argwhere(mask)
    height = grid.to_world(where) @ vertebrae.cranial
    keep = where[(height > heights.min() - _BEYOND_MM) & (height < heights.max() + _BEYOND_MM)]
    part = np.zeros_like(mask)
    part[tuple(keep.T)] = True
    if not part.any():
        raise GeometryError(
            "canal or cord lie nowhere near the vertebrae",
            where="canal labels",
            fix="check the label table: the labels taken for canal and vertebrae do not belong together",
        )
    return part


def read_discs(labelmap: LabelMap) -> dict[str, Array]:
    """Voxels of every cervical disc by name (``C5/6``), (n, 3) mm."""
    discs: dict[str, Array] = {}
    for value, name in _present(labelmap).items():
        if name.startswith("disc:C"):
            points = labelmap.grid.to_world(np.argwhere(labelmap.labels == value))
            key = name.partition(":")[2]
            discs[key] = np.concatenate([discs[key], points]) if key in discs else points
    return discs


def read_soft(labelmap: LabelMap) -> dict[str, Mask]:
    """Masks of discs (one for all), flavum, facet capsules, arteries and roots, as far as labelled."""
    groups: dict[str, set[str]] = {}
    for name in _present(labelmap).values():
        kind = name.partition(":")[0]
        if kind == "disc":
            groups.setdefault("disc", set()).add(name)
        elif name.startswith("part:capsule"):
            groups.setdefault("capsule", set()).add(name)
        elif kind in ("flavum", "artery", "root"):
            groups.setdefault(name, set()).add(name)
    return {group: labelmap.mask(*names) for group, names in groups.items()}


def _present(labelmap: LabelMap) -> dict[int, str]:
    entries = labelmap.table.entries
    return {value: entries[value] for value in np.unique(labelmap.labels).tolist() if value in entries}
