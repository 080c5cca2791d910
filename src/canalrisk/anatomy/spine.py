"""What the labels mean: the Spine, the one object that growth, morphometry and mechanics read.

Signed distances are float32 on the whole grid, mm, negative inside, clipped to +-`BAND_MM`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.lining import InnerLayers
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

BAND_MM = 15.0

Array = NDArray[np.float64]
Distance = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Centreline:
    """Canal centreline with a rotation-minimising frame, sampled every 0.5 mm, caudal to cranial.

    `s` (n,) arc length mm, increasing cranially; `points`, `right`, `anterior`, `tangent` (n, 3) in
    RAS+ mm; (right, anterior, tangent) is right-handed and orthonormal, tangent points cranially.
    """

    s: Array
    points: Array
    right: Array
    anterior: Array
    tangent: Array


@dataclass(frozen=True, eq=False)
class Foramen:
    """One intervertebral foramen and the root that leaves through it.

    `name` is ``C4/5`` (or ``C7/T1``), `side` ``left``/``right`` of the patient, `root` ``C5`` (C8 at
    C7/T1). `path` (n, 3) mm runs along the root from the sac's edge to beyond the facet;
    `pedicle_above`, `pedicle_below` (3,) mm are the pedicle centres whose line gives the height.
    """

    name: str
    side: str
    root: str
    path: Array
    pedicle_above: Array
    pedicle_below: Array
    wall_replaced: bool = False
    """True where a mass drawn as a label took part of the wall and of its mirror image: nothing is known of it."""


@dataclass(frozen=True, eq=False)
class Spine:
    """A cervical spine in the input's world frame: pre-lesion anatomy and today's mass."""

    grid: Grid
    levels: tuple[str, ...]
    """Vertebrae present, cranial to caudal."""
    bone: Distance
    vertebra_of: NDArray[np.int8]
    """Voxel -> 1 + index into `levels`; 0 where no vertebra."""
    canal: Distance
    """Bony canal without the mass (reconstructed where the mass had replaced it)."""
    sac: Distance
    """Dural sac; inferred from the canal, with a Finding, where not segmented."""
    cord: Distance
    """Pre-lesion cord; from morphometry, with a Finding, where not segmented."""
    cord_measured: Distance | None
    """Today's cord as segmented; None where no cord was segmented."""
    mass: Distance | None
    soft: dict[str, NDArray[np.bool_]]
    """Masks of what else was labelled: ``disc``, ``flavum``, ``artery:left``, ..."""
    centreline: Centreline
    landmarks: dict[str, float]
    """Arc length s of mid-vertebra (``C5``) and disc (``C5/6``) levels."""
    foramina: tuple[Foramen, ...]
    findings: tuple[Finding, ...] = ()
    disc: Distance | None = None
    """Discs, all of them; None where none was labelled."""
    layers: InnerLayers = field(default_factory=InnerLayers)
    """Thickness of what lines the canal where it is not labelled."""
    gray: Distance | None = None
    """Share of gray matter, 0 to 1, where a probability map was given."""
