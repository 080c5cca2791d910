"""Inner layers of the bony canal as fields: flavum, posterior longitudinal ligament, fat, dura, and the sac in them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.lining import LAYERS, InnerLayers
from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Centreline, Distance, Spine
from canalrisk.field import redistance
from canalrisk.field.grid import Grid


def shares(right: Array, anterior: Array) -> dict[str, Array]:
    """How much of each layer lies in a direction from the centreline, 0 to 1: one behind, in front and beside.

    Parameters
    ----------
    right, anterior : (n,) ndarray
        Offsets from the centreline, mm.

    Returns
    -------
    dict of str to (n,) ndarray
        Flavum, posterior longitudinal ligament and fat add up to 1; dura is 1.
    """
    sine = anterior / np.maximum(np.hypot(right, anterior), 1e-9)
    behind = np.clip(0.5 - 1.5 * sine, 0.0, 1.0)
    front = np.clip(2.0 * sine - 0.7, 0.0, 1.0)
    return {
        "flavum": behind,
        "posterior_longitudinal": front,
        "epidural_fat": np.clip(1.0 - behind - front, 0.0, 1.0),
        "dura": np.ones_like(behind),
    }


def sac_in_canal(
    canal: Distance, *, grid: Grid, line: Centreline, layers: InnerLayers, landmarks: Mapping[str, float]
) -> Distance:
    """Dural sac as the bony canal less flavum, posterior longitudinal ligament, fat and dura.

    Parameters
    ----------
    canal : (nx, ny, nz) ndarray of float32
        Signed distance of the bony canal, mm.
    grid : Grid
        Its grid.
    line : Centreline
        Says where posterior is.
    layers : InnerLayers
        Thicknesses.
    landmarks : mapping of str to float
        Arc length of the levels, mm; needed where a thickness is given by level.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm, negative inside.
    """
    near = np.flatnonzero(canal.ravel() < 4.0)
    points = grid.to_world(np.stack(np.unravel_index(near, canal.shape), axis=1))
    s, right, anterior, _ = curve_coordinates(line, points)
    share = shares(right, anterior)
    total = sum(layers.thickness(name, s, landmarks) * share[name] for name in LAYERS)
    level = np.full(canal.shape, BAND_MM, np.float32)
    level.ravel()[near] = canal.ravel()[near] + total
    return redistance(level, grid=grid, band=BAND_MM)


def layer_levels(spine: Spine, points: Array) -> dict[str, Array]:
    """Inner layers at world points, as level sets.

    Flavum and posterior longitudinal ligament lie on the canal's wall with their thickness, the dura on the sac with
    its own; fat is what is left between them. Where flavum is labelled, the canal ends at it and no other is made.

    Parameters
    ----------
    spine : Spine
        With canal, sac, and the thicknesses in ``spine.layers``.
    points : (n, 3) ndarray
        mm.

    Returns
    -------
    dict of str to (n,) ndarray
        Per name of `LAYERS`, mm, negative inside: the distance to the nearest surface that bounds the layer there.
    """
    s, right, anterior, _ = curve_coordinates(spine.centreline, points)
    canal, sac = (sample_planes(field, grid=spine.grid, points=points) for field in (spine.canal, spine.sac))
    share = shares(right, anterior)

    def thick(name: str) -> Array:
        mm: Array = spine.layers.thickness(name, s, spine.landmarks) * share[name]
        return np.zeros(len(s)) if name == "flavum" and "flavum" in spine.soft else mm

    lining = thick("flavum") + thick("posterior_longitudinal")
    dura = thick("dura")
    outside_dura = sac - dura
    behind, front = (np.where(thick(name) > 0, canal + lining, -math.inf) for name in LAYERS[:2])
    within = {
        "flavum": -behind,
        "posterior_longitudinal": -front,
        "epidural_fat": np.maximum(canal + lining, -outside_dura),
        "dura": np.maximum(outside_dura, -sac),
    }
    # Nothing of the wall's layers inside the dura, where the canal is too narrow for all of them.
    for name in LAYERS[:2]:
        within[name] = np.maximum(within[name], -outside_dura)
    return {name: np.maximum(level, canal) for name, level in within.items()}


def layer_masks(spine: Spine) -> dict[str, NDArray[np.bool_]]:
    """Voxels of every inner layer, on the spine's grid; names as in `LAYERS`."""
    inside = np.flatnonzero(spine.canal.ravel() < 0)
    points = spine.grid.to_world(np.stack(np.unravel_index(inside, spine.canal.shape), axis=1))
    masks = {}
    for name, level in layer_levels(spine, points).items():
        mask = np.zeros(spine.canal.shape, bool)
        mask.ravel()[inside] = level < 0
        masks[name] = mask
    return masks
