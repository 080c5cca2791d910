"""Gray matter of the cord at any place: from a given probability map, or a butterfly of the published area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from canalrisk import evidence
from canalrisk.anatomy.centreline import canal_sections
from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import Array, Distance, Spine
from canalrisk.anatomy.tube import N_ANGLES, Tube, measure_tube
from canalrisk.field.grid import Grid
from canalrisk.mesh.gray import gray_matter

_PREFIX = "gray_fraction_of_cord_area/gray matter/"
# Butterflies are made for fractions this far apart.
_FRACTION_STEP = 0.002


@dataclass(frozen=True, eq=False)
class GrayMatter:
    """Share of gray matter at places in the pre-lesion cord.

    `cord` is the outline of the pre-lesion cord, `today` that of the segmented one that the map was drawn on, `share`
    the map (None: butterfly), `fraction` (n,) gray over cord area per section of the centreline.
    """

    grid: Grid
    cord: Tube
    today: Tube
    share: Distance | None
    fraction: Array

    def __call__(self, points: ArrayLike) -> Array:
        """Share of gray matter at world points.

        Parameters
        ----------
        points : (n, 3) array_like
            Places in the pre-lesion cord, mm.

        Returns
        -------
        (n,) ndarray
            0 to 1; the map's probability, or 0 and 1 of the butterfly; 0 outside the cord.
        """
        x = np.asarray(points, float)
        place, turn, depth = _polar(self.cord, x)
        inside = depth <= 1.0
        out = np.zeros(len(x))
        if self.share is not None:
            # The same part of the section, in the cord as it lay when the map was drawn.
            there = x if self.today is self.cord else _world(self.today, place, turn, depth)
            value = sample_planes(self.share, grid=self.grid, points=there)
            # Beyond the grid a sample is far above any share, and there is no gray matter.
            out[inside] = np.where(value[inside] > 2.0, 0.0, np.clip(value[inside], 0.0, 1.0))
            return out
        # In the ellipse of the section's diameters a place's share of the disc's area is its share of the section's.
        quarter = N_ANGLES // 4
        index = np.arange(len(self.fraction))
        half = 0.5 * (self.cord.radius[:, : quarter + 1 : quarter] + self.cord.radius[:, 2 * quarter :: quarter])
        rl, ap = (np.maximum(np.interp(place, index, half[:, k]), 1e-6) for k in range(2))
        turn = np.arctan2(np.sin(turn) / ap, np.cos(turn) / rl)
        disc = np.stack((depth * np.cos(turn), depth * np.sin(turn)), axis=1)
        fraction = np.interp(place, np.arange(len(self.fraction)), self.fraction)
        step = np.rint(fraction / _FRACTION_STEP).astype(int)
        for k in np.unique(step[inside]):
            here = inside & (step == k)
            out[here] = gray_matter(disc[here], fraction=k * _FRACTION_STEP)
        return out


def gray_of(spine: Spine) -> GrayMatter:
    """Gray matter of a spine: its probability map where one was given, else a butterfly.

    The butterfly is drawn after the PAM50 template and has the template's gray share of the cord's area per level
    (evidence ``gray_fraction_of_cord_area``), interpolated between mid-vertebrae; a section is mapped on the unit disc
    by its diameters and its radius about the cord's centroid, an ellipse without change of relative areas.

    Parameters
    ----------
    spine : Spine
        Cord, centreline, landmarks and, if given, the map.

    Returns
    -------
    GrayMatter
        A function of world points.
    """
    cord = _outline(spine.cord, spine)
    deformed = spine.gray is not None and spine.cord_measured is not None
    today = _outline(spine.cord_measured, spine) if deformed and spine.cord_measured is not None else cord
    return GrayMatter(spine.grid, cord, today, spine.gray, published_share(spine))


def published_share(spine: Spine) -> Array:
    """Gray over cord area (n,) of the template at every section of the centreline."""
    by_level = {row.level: row.value for row in evidence.rows("mechanics", prefix=_PREFIX)}
    return gray_fraction(spine, s=spine.centreline.s, by_level=by_level)


def gray_fraction(spine: Spine, *, s: Array, by_level: dict[str, float]) -> Array:
    """Gray over cord area at arc lengths `s`, interpolated between mid-vertebra values.

    Parameters
    ----------
    spine : Spine
        Its `landmarks`.
    s : (p,) ndarray
        Arc lengths, mm.
    by_level : dict of str to float
        Fraction per vertebral level.

    Returns
    -------
    (p,) ndarray
        The mean of `by_level` where no landmark is known.
    """
    known = sorted((spine.landmarks[name], value) for name, value in by_level.items() if name in spine.landmarks)
    if not known:
        return np.full(len(s), np.mean(list(by_level.values())))
    at, value = np.array(known).T
    return np.asarray(np.interp(s, at, value), np.float64)


def _outline(field: Distance, spine: Spine) -> Tube:
    line = spine.centreline
    _, centroid, _ = canal_sections(field, grid=spine.grid, line=line)
    known = np.isfinite(centroid[:, 0])
    centre = np.zeros((len(line.s), 2))
    if known.any():
        centre = np.stack([np.interp(line.s, line.s[known], centroid[known, k]) for k in range(2)], axis=1)
    return measure_tube(field, grid=spine.grid, line=line, centre=centre)


def _polar(tube: Tube, points: Array) -> tuple[Array, Array, Array]:
    """Place along the centreline (sections), angle (rad) and radius over the tube's own (n,) of world points."""
    line = tube.line
    s, right, anterior, _ = curve_coordinates(line, points)
    place = np.clip(s / (line.s[1] - line.s[0]), 0, len(line.s) - 1)
    index = np.arange(len(line.s))
    u = right - np.interp(place, index, tube.centre[:, 0])
    v = anterior - np.interp(place, index, tube.centre[:, 1])
    turn = np.mod(np.arctan2(v, u), 2 * np.pi)
    radius = _radius(tube, place, turn)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.where(radius > 0, np.hypot(u, v) / radius, np.inf)
    return place, turn, depth


def _world(tube: Tube, place: Array, turn: Array, depth: Array) -> Array:
    """World points (n, 3) of places in a tube, mm; the inverse of `_polar`."""
    line, index = tube.line, np.arange(len(tube.line.s))
    along = np.minimum(depth, 2.0) * _radius(tube, place, turn)

    def at(values: NDArray[np.float64]) -> Array:
        return np.stack([np.interp(place, index, values[:, k]) for k in range(values.shape[1])], axis=1)

    centre = at(tube.centre) + along[:, None] * np.stack((np.cos(turn), np.sin(turn)), axis=1)
    points: Array = at(line.points) + centre[:, :1] * at(line.right) + centre[:, 1:] * at(line.anterior)
    return points


def _radius(tube: Tube, place: Array, turn: Array) -> Array:
    wrapped = np.concatenate([tube.radius, tube.radius[:, :2]], axis=1)
    radius: Array = map_coordinates(wrapped, [place, turn * (N_ANGLES / (2 * np.pi))], order=1, mode="nearest")
    return radius
