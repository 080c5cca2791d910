"""Rounded parts, the words that vertebrae are written in.

A part has a place, a direction and sizes in the vertebra's own frame (x right, y anterior, z cranial,
origin at the centre of the vertebral body). `mirror` puts it on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canalrisk.phantom._kernels import WIDTH

Array = NDArray[np.float64]

ELLIPSOID, BOX, CONE, BODY, LAMINA, PILLAR = range(6)


def ellipsoid(
    centre: ArrayLike, radii: ArrayLike, *, axes: Array | None = None, blend: float = 1.5, mirror: bool = True
) -> Array:
    """Return an ellipsoid with three radii, mm."""
    return _row(ELLIPSOID, centre, axes, np.asarray(radii, float), blend=blend, mirror=mirror)


def box(
    centre: ArrayLike,
    half: ArrayLike,
    *,
    rounding: float,
    axes: Array | None = None,
    blend: float = 1.5,
    mirror: bool = True,
) -> Array:
    """Return a rounded box with three half sizes and an edge radius, mm."""
    return _row(BOX, centre, axes, [*np.asarray(half, float), rounding], blend=blend, mirror=mirror)


def cone(
    start: ArrayLike,
    end: ArrayLike,
    r_start: float,
    r_end: float,
    *,
    flat: float = 1.0,
    tall: ArrayLike = (0.0, 0.0, 1.0),
    blend: float = 1.5,
    mirror: bool = True,
    cut: bool = False,
) -> Array:
    """Return a round cone between two points, `flat` times as large along `tall`; `cut` removes it."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(end - start))
    axis = (end - start) / length
    first = np.asarray(tall, float) - axis * float(np.dot(tall, axis))
    if np.linalg.norm(first) < 1e-6:
        first = np.cross(axis, (1.0, 0.0, 0.0))
    first /= np.linalg.norm(first)
    axes = np.array([first, np.cross(axis, first), axis])
    return _row(CONE, start, axes, [length, r_start, r_end, flat], blend=blend, mirror=mirror, cut=cut)


def body(
    *,
    half_width: float,
    half_depth: float,
    half_height: float,
    lower_ratio: float,
    waist: float,
    hollow_upper: float,
    hollow_lower: float,
    wedge: float,
) -> Array:
    """Return a vertebral body: waisted column with concave endplates; `wedge` is the endplates' slope."""
    sizes = [half_width, half_depth, half_height, lower_ratio, waist, hollow_upper, hollow_lower, wedge]
    return _row(BODY, (0.0, 0.0, 0.0), None, sizes, blend=1.5, mirror=False)


def lamina(
    *,
    canal_y: float,
    z: float,
    thickness: float,
    half_height: float,
    lean: float,
    front: float,
    blend: float = 2.5,
) -> Array:
    """Return the laminae: a shell behind the canal; `lean` mm is how far its lower edge stands off the canal."""
    return _row(LAMINA, (0.0, canal_y, z), None, [thickness, half_height, lean, front], blend=blend, mirror=False)


def pillar(
    centre: ArrayLike,
    *,
    half_width: float,
    half_depth: float,
    half_thickness: float,
    angle_deg: float,
    waist: float = 0.06,
    blend: float = 2.0,
) -> Array:
    """Return an articular pillar: a column cut by two parallel facets that face back and up by `angle_deg`."""
    angle = np.deg2rad(angle_deg)
    sizes = [half_width, half_depth, half_thickness, np.sin(angle), np.cos(angle), waist]
    return _row(PILLAR, centre, None, sizes, blend=blend, mirror=True)


def turned(*, about: str, degrees: float) -> Array:
    """Return a world-to-part rotation about one local axis (positive: right-handed turn of the part)."""
    a = np.deg2rad(degrees)
    c, s = np.cos(a), np.sin(a)
    turn = {
        "x": [[1, 0, 0], [0, c, s], [0, -s, c]],
        "y": [[c, 0, -s], [0, 1, 0], [s, 0, c]],
        "z": [[c, s, 0], [-s, c, 0], [0, 0, 1]],
    }[about]
    return np.array(turn, float)


def solid(rows: Sequence[Array]) -> Array:
    """Stack parts, in the order in which they are joined and cut, (n, 24)."""
    return np.ascontiguousarray(np.vstack(rows))


def _row(
    kind: int,
    centre: ArrayLike,
    axes: Array | None,
    sizes: Sequence[float] | Array,
    *,
    blend: float,
    mirror: bool,
    cut: bool = False,
) -> Array:
    row = np.zeros(WIDTH)
    row[:4] = kind, -1.0 if cut else 1.0, blend, float(mirror)
    row[4:7] = centre
    row[7:16] = (np.eye(3) if axes is None else axes).ravel()
    row[16 : 16 + len(sizes)] = sizes
    return row
