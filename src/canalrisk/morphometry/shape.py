"""Shape of plane sections: the ellipse of equal second moments, and how convex the outline is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from canalrisk.anatomy.sections import offsets, plane_moments
from canalrisk.anatomy.spine import Array


@dataclass(frozen=True, eq=False)
class Shape:
    """Shape of a structure on n sections; not a number where it is absent.

    `ap`, `rl` (n,) mm: axes of the ellipse with the section's second moments, assigned to the direction that each lies
    nearer to; `eccentricity` (n,) of that ellipse; `solidity` (n,) area over the area of the convex hull;
    `orientation` (n,) degrees from 0 to 90 between the ellipse's long axis and left-right.
    """

    ap: Array
    rl: Array
    eccentricity: Array
    solidity: Array
    orientation: Array


def section_shape(values: Array, *, step: float) -> Shape:
    """Measure the shape of what is negative on each plane.

    Parameters
    ----------
    values : (n, m, m) ndarray
        Level-set samples, mm, negative inside; axis 1 anterior, axis 2 right, centred.
    step : float
        Distance of the samples, mm.

    Returns
    -------
    Shape

    Notes
    -----
    The ellipse is the one that scikit-image's region properties and the Spinal Cord Toolbox use: axes 4 sqrt(l) with l
    the eigenvalues of the covariance of the points inside (Teh and Chin 1988, IEEE Trans PAMI 10:496-513). A node
    counts by the share of its cell inside, taken from its distance: off by the square of the step.
    """
    share = np.clip(0.5 - values / step, 0.0, 1.0)
    half = 0.5 * (values.shape[1] - 1) * step
    t = offsets(half, step)
    area = share.sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = share.sum(axis=1) @ t / area, share.sum(axis=2) @ t / area
        xx = share.sum(axis=1) @ t**2 / area - x**2
        yy = share.sum(axis=2) @ t**2 / area - y**2
        xy = np.einsum("nij,i,j->n", share, t, t) / area - x * y
        middle, apart = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
        major, minor = 4.0 * np.sqrt(middle + apart), 4.0 * np.sqrt(np.maximum(middle - apart, 0.0))
        eccentricity = np.sqrt(1.0 - (minor / major) ** 2)
    wide = xx >= yy
    return Shape(
        ap=np.where(wide, minor, major),
        rl=np.where(wide, major, minor),
        eccentricity=eccentricity,
        solidity=_solidity(values, step=step),
        orientation=np.degrees(np.abs(0.5 * np.arctan2(2.0 * xy, xx - yy))),
    )


def _solidity(values: Array, *, step: float) -> Array:
    area = plane_moments(values, step=step)[0]
    # What lies outside the image has a value that is no distance, at which a cubic would overshoot.
    used = np.flatnonzero((values < 0).any(axis=(0, 1)) | (values < 0).any(axis=(0, 2)))
    if not len(used):
        return np.full(len(values), np.nan)
    window = slice(max(used[0] - 3, 0), used[-1] + 4)
    near = np.clip(values[:, window, window], -4.0 * step, 4.0 * step)
    plane, points = _outline(_halved(_halved(near, axis=1), axis=2))
    solidity = np.full(len(values), np.nan)
    ends = np.searchsorted(plane, np.arange(len(values) + 1))
    for k in np.flatnonzero(area > 0):
        on = points[ends[k] : ends[k + 1]]
        try:
            solidity[k] = area[k] / (ConvexHull(on).volume * (0.5 * step) ** 2)
        except (QhullError, ValueError):  # fewer than three points, or all on a line: no outline
            continue
    return solidity


def _halved(values: Array, *, axis: int) -> Array:
    """Values at half the step along an axis, in between by Keys' cubic as in `plane_moments` (linear at the rim)."""
    own = np.moveaxis(values, axis, -1)
    out = np.empty((*own.shape[:-1], 2 * own.shape[-1] - 1))
    out[..., ::2] = own
    out[..., 1::2] = 0.5 * (own[..., :-1] + own[..., 1:])
    out[..., 3:-3:2] = 0.5625 * (own[..., 1:-2] + own[..., 2:-1]) - 0.0625 * (own[..., :-3] + own[..., 3:])
    return np.moveaxis(out, -1, axis)


def _outline(values: Array) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], Array]:
    """Plane number (k,), ascending, and place (k, 2), in steps, of every corner of the zero line."""
    inner = 0.25 * ((values[:, :-1, :-1] + values[:, 1:, 1:]) + (values[:, :-1, 1:] + values[:, 1:, :-1]))
    edges = [
        (values[:, :, :-1], values[:, :, 1:], (0.0, 0.0), (0.0, 1.0)),
        (values[:, :-1], values[:, 1:], (0.0, 0.0), (1.0, 0.0)),
    ]
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        corner = values[:, i : i + inner.shape[1], j : j + inner.shape[2]]
        edges.append((corner, inner, (float(i), float(j)), (0.5 - i, 0.5 - j)))
    planes, places = [], []
    for a, b, start, way in edges:
        plane, row, column = at = np.nonzero((a < 0) != (b < 0))
        part = a[at] / (a[at] - b[at])
        planes.append(plane)
        places.append(np.stack([row + start[0] + part * way[0], column + start[1] + part * way[1]], axis=1))
    every = np.concatenate(planes)
    order = np.argsort(every, kind="stable")
    return every[order], np.concatenate(places)[order]
