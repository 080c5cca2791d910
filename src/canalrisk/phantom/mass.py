"""Lobulated calcific masses of a given volume, placed by level, side and site in any spine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from canalrisk.anatomy.spine import Spine
from canalrisk.errors import UsageError
from canalrisk.field.grid import Grid
from canalrisk.phantom._kernels import flood, lobes
from canalrisk.phantom.sites import SIGN, SITES, anchor

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CORD_CLEARANCE_MM = 0.5
# A front slows in bone, past its reach into the canal and across the midline: mm of distance that a mm
# of depth there costs.
_BONE_COST = 0.15
_CANAL_COST = 4.0
_ACROSS_COST = 1.0
_VESSELS = ("artery:left", "artery:right")


@dataclass(frozen=True)
class MassSpec:
    """One mass.

    Parameters
    ----------
    level : str
        Vertebra (``C5``) or disc (``C4/5``) at whose height it is anchored. For the site `foramen`, the
        foramen's name, or the vertebra below it.
    side : {"left", "right", "midline"}
        The patient's side.
    site : str
        One of `SITES`.
    volume_mm3 : float
        Volume, mm3, including the bone that it replaces.
    seed : int
        Shape of the lobes.
    reach_canal_mm : float, optional
        How far it may reach past the canal's wall, mm; the site's own default when not given.
    indent_cord_mm : float
        How far it may overlap the undisplaced cord. At 0 it stays 0.5 mm off the cord.
    stretch : tuple of float, optional
        Elongation along (lateral, anterior, cranial); the site's own default when not given.
    depth_mm : float
        Moves the anchor this far towards the canal's axis, mm. Not used by `foramen`.
    lobes : int
        How many; fewer make a broader, smoother front.
    """

    level: str
    side: str
    site: str
    volume_mm3: float
    seed: int = 0
    reach_canal_mm: float | None = None
    indent_cord_mm: float = 0.0
    stretch: tuple[float, float, float] | None = None
    depth_mm: float = 0.0
    lobes: int = 14


def place_mass(spine: Spine, specs: Sequence[MassSpec]) -> Mask:
    """Place masses in a spine.

    Each mass adds its volume to those before it, so the volume of the whole is the sum; each is one
    piece. Arteries stay open. Bone is eroded and the canal entered, both less readily than soft tissue.

    Parameters
    ----------
    spine : Spine
        Any spine: a phantom's or one read from a segmentation.
    specs : sequence of MassSpec
        What to place, in order.

    Returns
    -------
    ndarray of bool
        Mass on the spine's grid; volume within one voxel of the sum asked for.

    Raises
    ------
    UsageError
        If a level, side or site is unknown, a volume is not positive, or it does not fit on the grid.
    """
    mask = np.zeros(spine.grid.shape, bool)
    for number, spec in enumerate(specs):
        _place(spine, spec, mask, where=f"mass {number + 1} ({spec.site} {spec.level} {spec.side})")
    return mask


def _place(spine: Spine, spec: MassSpec, mask: Mask, *, where: str) -> None:
    """Add one mass to `mask`."""
    if not spec.volume_mm3 > 0.0:
        raise UsageError(f"volume {spec.volume_mm3} mm3 is not positive", where=where, fix="Give a volume in mm3.")
    if spec.volume_mm3 > 0.5 * spine.grid.voxel_volume * mask.size:
        raise UsageError("the mass does not fit", where=where, fix="Ask for less volume: it exceeds half the image.")
    origin, start, frame = anchor(spine, level=spec.level, side=spec.side, site=spec.site, depth=spec.depth_mm)
    centres, radii = _cluster(spec, start, frame)
    box, grid = _box(spine.grid, centres, float(radii.max()) + 6.0, where=where)
    field = np.empty(grid.shape)
    lobes(centres, radii, 0.5 * float(radii.mean()), grid.affine, field)
    rule = SITES[spec.site]
    reach = rule.reach if spec.reach_canal_mm is None else spec.reach_canal_mm
    field += _BONE_COST * np.maximum(-spine.bone[box], 0.0)
    field += _CANAL_COST * np.maximum(-spine.canal[box] - reach, 0.0)
    blocked = _kept_free(spine, box, indent_cord_mm=spec.indent_cord_mm) | mask[box]
    if spec.side != "midline":
        field += _ACROSS_COST * np.maximum(-SIGN[spec.side] * _lateral(grid, origin, frame), 0.0)
    count = round(spec.volume_mm3 / grid.voxel_volume)
    mask[box] |= _grow_to(field, blocked, count, where=where)


def rounded(spine: Spine, mask: Mask, *, radius_mm: float, indent_cord_mm: float = 0.0) -> Mask:
    """Round a mass off without changing its volume: one piece, no crumbs, no gaps narrower than `radius_mm`.

    Parameters
    ----------
    spine : Spine
        The spine it was placed in; cord and arteries are kept free as in `place_mass`.
    mask : ndarray of bool
        Mass on the spine's grid.
    radius_mm : float
        Standard deviation of the smoothing, mm.
    indent_cord_mm : float
        As in `MassSpec`.

    Returns
    -------
    ndarray of bool
        Rounded mass of as many voxels.
    """
    if not mask.any():
        return mask.copy()
    margin = np.ceil(3.0 * radius_mm / spine.grid.spacing).astype(int) + 1
    inside = np.argwhere(mask)
    low = np.maximum(inside.min(axis=0) - margin, 0)
    high = np.minimum(inside.max(axis=0) + margin + 1, mask.shape)
    a, b, c = (slice(int(p), int(q)) for p, q in zip(low, high, strict=True))
    soft = gaussian_filter(mask[a, b, c].astype(np.float64), radius_mm / spine.grid.spacing)
    blocked = _kept_free(spine, (a, b, c), indent_cord_mm=indent_cord_mm)
    out = np.zeros_like(mask)
    out[a, b, c] = _grow_to(-soft, blocked, int(mask.sum()), where="rounding")
    return out


def _kept_free(spine: Spine, box: tuple[slice, slice, slice], *, indent_cord_mm: float) -> Mask:
    """Return the voxels no mass may take: the cord with its clearance, and the arteries."""
    clearance = CORD_CLEARANCE_MM if indent_cord_mm <= 0.0 else -indent_cord_mm
    blocked = np.asarray(spine.cord[box] < clearance)
    for vessel in _VESSELS:
        if vessel in spine.soft:
            blocked |= spine.soft[vessel][box]
    return blocked


def _cluster(spec: MassSpec, start: Array, frame: Array) -> tuple[Array, Array]:
    """Return lobes' centres (n, 3) and radii (n,): each new ball sticks to an earlier one."""
    rng = np.random.default_rng([spec.seed, sum(map(ord, spec.level + spec.site))])
    stretch = np.array(spec.stretch or SITES[spec.site].stretch)
    # Overlapping lobes fill about 0.4 of their summed volume; the rest is found by flooding to the volume.
    size = (spec.volume_mm3 / (0.40 * spec.lobes * 4.0 / 3.0 * np.pi)) ** (1.0 / 3.0)
    radii = size * rng.uniform(0.75, 1.25, spec.lobes)
    local = np.zeros((spec.lobes, 3))
    for i in range(1, spec.lobes):
        # Early lobes are preferred, so that the cluster stays compact.
        on = int(rng.integers(0, i) * rng.uniform(0.3, 1.0))
        way = rng.standard_normal(3) * stretch
        local[i] = local[on] + way / np.linalg.norm(way) * 0.52 * (radii[i] + radii[on])
    local -= local.mean(axis=0)
    return start + local @ frame, radii


def _box(grid: Grid, centres: Array, margin: float, *, where: str) -> tuple[tuple[slice, slice, slice], Grid]:
    steps = margin / grid.spacing
    voxels = grid.to_voxel(centres)
    low = np.maximum(np.floor(voxels.min(axis=0) - steps).astype(int), 0)
    high = np.minimum(np.ceil(voxels.max(axis=0) + steps).astype(int) + 1, grid.shape)
    if (high <= low).any():
        raise UsageError("the mass lies outside the grid", where=where, fix="Choose a level inside the image.")
    a, b, c = (slice(int(p), int(q)) for p, q in zip(low, high, strict=True))
    return (a, b, c), grid.crop(low, high)


def _lateral(grid: Grid, origin: Array, frame: Array) -> Array:
    """Return how far to the right of the midsagittal plane each voxel is, mm."""
    lateral = grid.affine[:3, :3].T @ frame[0]
    offset = float((grid.affine[:3, 3] - origin) @ frame[0])
    i, j, k = np.ogrid[: grid.shape[0], : grid.shape[1], : grid.shape[2]]
    return np.asarray(lateral[0] * i + lateral[1] * j + lateral[2] * k + offset, dtype=np.float64)


def _grow_to(field: Array, blocked: Mask, count: int, *, where: str) -> Mask:
    """Return `count` voxels of `field`, the lowest that hang together with its lowest free one."""
    start = int(np.argmin(np.where(blocked, np.inf, field)))
    piece = np.zeros(field.shape, bool)
    taken = flood(np.ascontiguousarray(field).ravel(), np.ascontiguousarray(blocked).ravel(), start, count, piece)
    if taken < count:
        raise UsageError("the mass does not fit", where=where, fix="Ask for less volume or another level.")
    return piece
