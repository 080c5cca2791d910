"""The pre-lesion cord's outline on sections orthogonal to the canal centreline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from canalrisk.anatomy.spine import BAND_MM, Spine
from canalrisk.errors import GeometryError
from canalrisk.field import linear_sample

Array = NDArray[np.float64]

STEP_MM = 1.0
RAYS = 64
# Harmonics of the outline kept: 8 describe a cord with its fissure's dimple, not the voxels' stairs.
HARMONICS = 8
SMOOTHING_MM = 2.0
TRIMMED = 2
_REACH_MM = 14.0
_RAY_STEP_MM = 0.25


@dataclass(frozen=True, eq=False)
class CordOutlines:
    """Outlines on p sections, caudal to cranial.

    `s` (p,) mm; `origins`, `right`, `anterior`, `tangent` (p, 3) section frames; `outline` (p, RAYS, 2) mm in
    plane coordinates (right, anterior), at equally spaced parametric angles from -135 degrees.
    """

    s: Array
    origins: Array
    right: Array
    anterior: Array
    tangent: Array
    outline: Array

    @property
    def world(self) -> Array:
        """Outline points (p, RAYS, 3), mm."""
        return (
            self.origins[:, None, :]
            + self.outline[..., :1] * self.right[:, None, :]
            + self.outline[..., 1:] * self.anterior[:, None, :]
        )

    def rows(self, index: NDArray[np.int64]) -> CordOutlines:
        """Return some of the sections."""
        return CordOutlines(
            self.s[index],
            self.origins[index],
            self.right[index],
            self.anterior[index],
            self.tangent[index],
            self.outline[index],
        )

    def at(self, s: Array) -> CordOutlines:
        """Interpolate to other arc lengths (q,), mm; frames stay orthonormal."""

        def along(values: Array) -> Array:
            flat = values.reshape(len(self.s), -1)
            columns = [np.interp(s, self.s, column) for column in flat.T]
            return np.stack(columns, axis=-1).reshape(len(s), *values.shape[1:])

        tangent = along(self.tangent)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        right = along(self.right)
        right -= np.einsum("ij,ij->i", right, tangent)[:, None] * tangent
        right /= np.linalg.norm(right, axis=1, keepdims=True)
        return CordOutlines(s, along(self.origins), right, np.cross(tangent, right), tangent, along(self.outline))


def ray_angles(count: int) -> Array:
    """Parametric angles (count,) of an O-grid's ring: equally spaced from -135 degrees."""
    return -0.75 * np.pi + 2.0 * np.pi * np.arange(count) / count


def sample_outlines(spine: Spine) -> CordOutlines:
    """Cast rays from the cord's centroid to its zero level, then smooth around and along.

    Parameters
    ----------
    spine : Spine
        Its `cord` distance and `centreline` are read.

    Returns
    -------
    CordOutlines
        Every `STEP_MM` over the longest run of sections that hold the whole cord.

    Raises
    ------
    GeometryError
        If fewer than 10 mm of cord are inside the grid.
    """
    line = spine.centreline
    s = np.arange(np.ceil(line.s[0]), line.s[-1], STEP_MM)
    frames = CordOutlines(s, *_frames(spine, s), outline=np.zeros((len(s), RAYS, 2)))
    radius, direction, centre = _cast(spine, frames)
    whole = np.isfinite(radius).all(axis=1)
    runs, count = ndimage.label(whole)
    if count == 0:
        raise _too_short(0.0)
    longest = 1 + int(np.argmax(ndimage.sum_labels(whole, runs, np.arange(1, count + 1))))
    # Sub-voxel smoothing rounds off the last millimetres of a label that ends.
    keep = ndimage.binary_erosion(runs == longest, iterations=TRIMMED)
    if keep.sum() * STEP_MM < 10.0:
        raise _too_short(float(keep.sum() * STEP_MM))
    outline = centre[keep][:, None, :] + radius[keep][..., None] * direction[keep]
    return CordOutlines(
        s[keep], frames.origins[keep], frames.right[keep], frames.anterior[keep], frames.tangent[keep], _smooth(outline)
    )


def _too_short(length: float) -> GeometryError:
    return GeometryError(
        f"only {length:.0f} mm of cord can be meshed", where="cord", fix="give a label map with at least 10 mm of cord"
    )


def _frames(spine: Spine, s: Array) -> tuple[Array, Array, Array, Array]:
    line = spine.centreline
    index = np.clip(np.searchsorted(line.s, s), 0, len(line.s) - 1)
    return line.points[index], line.right[index], line.anterior[index], line.tangent[index]


def _cast(spine: Spine, frames: CordOutlines) -> tuple[Array, Array, Array]:
    """Ray lengths (p, r), unit directions (p, r, 2) and centres (p, 2); NaN where the cord is not closed."""
    line = np.arange(-_REACH_MM, _REACH_MM + 0.1, 0.5)
    x, y = np.meshgrid(line, line, indexing="ij")
    plane = np.stack((x, y), axis=-1).reshape(-1, 2)
    depth = _sample(spine, frames, np.broadcast_to(plane, (len(frames.s), *plane.shape)), fill=BAND_MM)
    weight = np.clip(0.5 - depth / 0.5, 0.0, 1.0)
    area = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.einsum("pk,kd->pd", weight, plane) / area[:, None]
        offset = plane[None] - centre[:, None, :]
        half = 2.0 * np.sqrt(np.einsum("pk,pkd->pd", weight, offset**2) / area[:, None])
        angle = ray_angles(RAYS)
        direction = np.stack((half[:, :1] * np.cos(angle), half[:, 1:] * np.sin(angle)), axis=-1)
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    step = np.arange(0.0, _REACH_MM, _RAY_STEP_MM)
    rays = centre[:, None, None, :] + step[:, None] * direction[:, :, None, :]
    # A ray that leaves the grid never leaves the cord: its section is not whole and is dropped.
    flat = np.nan_to_num(rays).reshape(len(frames.s), -1, 2)
    value = _sample(spine, frames, flat, fill=-1.0).reshape(rays.shape[:-1])
    outside = value > 0
    first = np.argmax(outside, axis=-1)
    closed = outside.any(axis=-1) & (first > 0) & (area > 4.0)[:, None]
    after = np.take_along_axis(value, first[..., None], axis=-1)[..., 0]
    before = np.take_along_axis(value, np.maximum(first - 1, 0)[..., None], axis=-1)[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        radius = step[np.maximum(first - 1, 0)] + _RAY_STEP_MM * before / (before - after)
    return np.where(closed, radius, np.nan), direction, centre


def _sample(spine: Spine, frames: CordOutlines, plane: Array, *, fill: float) -> Array:
    points = (
        frames.origins[:, None, :]
        + plane[..., :1] * frames.right[:, None, :]
        + plane[..., 1:] * frames.anterior[:, None, :]
    )
    return linear_sample(spine.cord, grid=spine.grid, points=points, fill=fill).astype(np.float64)


def _smooth(outline: Array) -> Array:
    spectrum = np.fft.fft(outline[..., 0] + 1j * outline[..., 1], axis=1)
    order = np.abs(np.fft.fftfreq(RAYS, 1.0 / RAYS))
    spectrum[:, order > HARMONICS] = 0.0
    around = np.fft.ifft(spectrum, axis=1)
    around = ndimage.gaussian_filter1d(around.real, SMOOTHING_MM / STEP_MM, axis=0, mode="nearest") + 1j * (
        ndimage.gaussian_filter1d(around.imag, SMOOTHING_MM / STEP_MM, axis=0, mode="nearest")
    )
    return np.stack((around.real, around.imag), axis=-1)
