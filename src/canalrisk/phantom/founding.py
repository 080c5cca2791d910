"""The founding case: calcinosis of one side's posterior elements at C4-C6, reaching canal and foramina."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.spine import Spine
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.phantom.known import known_spine
from canalrisk.phantom.mass import MassSpec, place_mass, rounded
from canalrisk.phantom.model import build_model
from canalrisk.phantom.neck import sample_neck
from canalrisk.phantom.sites import Side, axes_at, wall_distance
from canalrisk.phantom.soft import Arteries
from canalrisk.phantom.voxelise import label

DEMO_SEED = 17
DEMO_SPACING_MM = 0.6
# Share of the canal's AP diameter that the mass takes at its worst level, and by how much it may then
# overlap the undisplaced cord: a healthy canal leaves only about 20 % behind it (Valosek 2024).
_OCCUPIED = 0.23
_INDENT_MM = 0.5
_ROUNDING_MM = 0.9


def founding_case_specs(spine: Spine, *, side: Side = "left", seed: int = 0) -> tuple[MassSpec, ...]:
    """Return the masses that make up the founding case, about 6 cm3.

    Paraspinal tissue and facets first, then laminae, the flavum between them with the part that enters
    the canal, and the foramina C4/5 and C5/6.

    Parameters
    ----------
    spine : Spine
        Any spine with C4 to C6.
    side : {"left", "right"}
        The patient's side.
    seed : int
        Shape of the lobes.

    Returns
    -------
    tuple of MassSpec
        In the order of placing.
    """
    reach = _OCCUPIED * _canal_ap(spine, "C4/5")

    mass = partial(MassSpec, side=side, seed=seed)
    return (
        mass(level="C5", site="paraspinal", volume_mm3=2400.0),
        mass(level="C4/5", site="facet", volume_mm3=1100.0),
        mass(level="C5/6", site="facet", volume_mm3=1000.0),
        # One broad front in the canal: behind C5's lamina and in the two gaps beside it.
        mass(level="C5", site="lamina", volume_mm3=600.0, reach_canal_mm=0.8 * reach, lobes=4),
        mass(
            level="C4/5",
            site="interlaminar",
            volume_mm3=450.0,
            reach_canal_mm=reach,
            indent_cord_mm=_INDENT_MM,
            depth_mm=1.5,
            lobes=3,
        ),
        mass(level="C5/6", site="interlaminar", volume_mm3=300.0, reach_canal_mm=0.8 * reach, lobes=3),
        mass(level="C4/5", site="foramen", volume_mm3=160.0, reach_canal_mm=-1.0),
        mass(level="C5/6", site="foramen", volume_mm3=160.0, reach_canal_mm=-1.0),
    )


def founding_case(spine: Spine, *, side: Side = "left", seed: int = 0) -> NDArray[np.bool_]:
    """Place the founding case in a spine: one mass on the spine's grid.

    See `founding_case_specs` for what it is made of, and `place_mass` for how it behaves.
    """
    mask = place_mass(spine, founding_case_specs(spine, side=side, seed=seed))
    return rounded(spine, mask, radius_mm=_ROUNDING_MM, indent_cord_mm=_INDENT_MM)


def demo_labelmap(*, spacing: float = DEMO_SPACING_MM, arteries: Arteries = "left-only") -> LabelMap:
    """Return the embedded example: one sampled neck with the founding case on its left.

    The mass is given on its own, as from its own file; the labels show the neck before it. As in the founding case,
    the only vertebral artery is on the side of the mass.

    Parameters
    ----------
    spacing : float
        Voxel edge, mm.
    arteries : {"left-only", "both", "right-only"}
        Vertebral arteries present.

    Returns
    -------
    LabelMap
        With `mass` set and `mass_is_label` False.
    """
    model = build_model(sample_neck(DEMO_SEED), spacing=spacing)
    labels = label(model, arteries=arteries)
    return replace(labels, mass=founding_case(known_spine(model)), mass_is_label=False)


def _canal_ap(spine: Spine, level: str) -> float:
    """Return the canal's AP diameter at a level, mm, along the frame's anterior axis."""
    origin, frame = axes_at(spine, level)
    return wall_distance(spine, origin, frame[1]) + wall_distance(spine, origin, -frame[1])
