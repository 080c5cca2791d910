"""How a mass changed between two scans: which vertebra bears it, how far its front moved, what was gained and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from canalrisk.anatomy.register import Registration
from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Spine
from canalrisk.field import Grid, RigidMotion, fit_spline
from canalrisk.findings import Finding

SIDES = ("left", "right")
# A piece bridges two vertebrae when each has at least this share of its volume nearest to it.
_BRIDGES = 0.2
# Beyond this the earlier mass is out of sight: the piece is a new one and has no front to have moved.
_SEEN_MM = BAND_MM - 0.5
_BORDER_VOXELS = 2.0
_WHOLE = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, eq=False)
class Piece:
    """One connected piece of a mass.

    `owner` is the vertebra that it moves with: the nearest one for most of its volume. `shares` per level is the part
    of the volume that is nearest to each.
    """

    owner: str
    shares: dict[str, float]


@dataclass(frozen=True, eq=False)
class Mass:
    """The mass of one scan, voxel by voxel.

    `points` (n, 3) mm are the centres of the voxels that it fills at least in part, `distance` (n,) mm its signed
    distance there, `vertebra` (n,) index into the spine's levels of the nearest, `side` (n,) index into `SIDES`,
    `piece` (n,) index into `pieces`.
    """

    points: Array
    distance: Array
    vertebra: NDArray[np.intp]
    side: NDArray[np.intp]
    piece: NDArray[np.intp]
    pieces: tuple[Piece, ...]


def mass_of(spine: Spine) -> Mass | None:
    """Take a scan's mass apart; None without a mass."""
    if spine.mass is None or not (spine.mass < 0).any():
        return None
    window, grid = _around_mass(spine)
    distances = spine.mass[window]
    labels, count = ndimage.label(distances < 0, structure=_WHOLE)
    # Voxels that the mass fills to less than half belong to the piece beside them.
    grown = ndimage.grey_dilation(labels, footprint=_WHOLE)
    where = np.argwhere((distances < 0.5 * grid.spacing.max()) & (grown > 0))
    at = tuple(where.T)
    piece = np.where(labels[at] > 0, labels[at], grown[at]) - 1
    points, distance = grid.to_world(where), distances[at].astype(np.float64)
    vertebra = nearest_vertebra(spine, points)
    right = curve_coordinates(spine.centreline, points)[1]
    pieces = tuple(_piece(spine, vertebra[(piece == k) & (distance < 0)]) for k in range(count))
    return Mass(points, distance, vertebra, (right > 0).astype(np.intp), piece.astype(np.intp), pieces)


def _around_mass(spine: Spine) -> tuple[tuple[slice, ...], Grid]:
    assert spine.mass is not None
    box = ndimage.find_objects((spine.mass < 0).astype(np.int8))[0]
    low = np.maximum([part.start - 4 for part in box], 0)
    high = np.minimum([part.stop + 4 for part in box], spine.grid.shape)
    return tuple(slice(i, j) for i, j in zip(low.tolist(), high.tolist(), strict=True)), spine.grid.crop(low, high)


def nearest_vertebra(spine: Spine, points: Array) -> NDArray[np.intp]:
    """Index (n,) into the spine's levels of the vertebra nearest to each point (n, 3)."""
    inside = spine.vertebra_of > 0
    shell = np.argwhere(inside & ~ndimage.binary_erosion(inside))
    number = spine.vertebra_of[tuple(shell.T)]
    _, nearest = cKDTree(spine.grid.to_world(shell)).query(points)
    return np.asarray(number[nearest], np.intp) - 1


def _piece(spine: Spine, vertebra: NDArray[np.intp]) -> Piece:
    count = np.bincount(vertebra, minlength=len(spine.levels))
    order = np.argsort(-count, kind="stable")
    shares = {spine.levels[k]: float(count[k] / count.sum()) for k in order if count[k]}
    return Piece(next(iter(shares)), shares)


def fractions(distance: Array, spine: Spine) -> Array:
    """Share (n,) of each voxel that lies inside a boundary, from the signed distance of its centre, mm."""
    return np.clip(0.5 - distance / float(spine.grid.spacing.mean()), 0.0, 1.0)


def motions_of(mass: Mass, registration: Registration) -> tuple[list[RigidMotion | None], list[Finding]]:
    """Motion of each piece, first scan to second: its owner's, or that of the next vertebra that was registered."""
    found: list[RigidMotion | None] = []
    findings = []
    for piece in mass.pieces:
        known = [level for level in piece.shares if level in registration.motions]
        found.append(registration.motions[known[0]] if known else None)
        bridged = [level for level, share in piece.shares.items() if share >= _BRIDGES]
        if len(bridged) > 1 and known:
            parted = ", ".join(f"{level} {share:.0%}" for level, share in piece.shares.items() if share >= _BRIDGES)
            message = f"A piece of the mass bridges {parted} of its volume; it is taken to move with {known[0]}."
            findings.append(Finding("MASS-BRIDGES", "info", "-".join(sorted(bridged)), message))
        if known[:1] != [piece.owner]:
            message = f"{piece.owner}, which bears a piece of the mass, was not registered: " + (
                f"{known[0]} stands for it." if known else "its front is not followed."
            )
            findings.append(Finding("MASS-OWNER-NOT-REGISTERED", "warning", piece.owner, message))
    return found, findings


def elsewhere(
    points: Array, piece: NDArray[np.intp], motions: Sequence[RigidMotion | None], other: Spine, *, back: bool
) -> Array:
    """Signed distance (n,) of the other scan's mass at points (n, 3) of this one, each carried along by its piece.

    `back` takes points of the second scan to the first. Far outside where the other scan has no mass; NaN where a
    piece has no motion.
    """
    out = np.full(len(points), np.nan)
    for k, motion in enumerate(motions):
        here = piece == k
        if motion is None or not here.any():
            continue
        matrix = motion.inverse if back else motion.matrix
        moved = points[here] @ matrix[:3, :3].T + matrix[:3, 3]
        values = (
            np.full(len(moved), BAND_MM)
            if other.mass is None
            else sample_planes(other.mass, grid=other.grid, points=moved)
        )
        out[here] = np.minimum(values, BAND_MM)
    return out


@dataclass(frozen=True, eq=False)
class Front:
    """Surface (n, 3) mm of the second scan's mass and how far it lies outside the first's, `advance` (n,) mm.

    Negative where the mass drew back; NaN where the piece is new, its vertebra was not registered, or the image ends.
    `mass` is the second scan's, `motions` those of its pieces, first scan to second.
    """

    surface: Array
    vertebra: NDArray[np.intp]
    advance: Array
    mass: Mass
    motions: tuple[RigidMotion | None, ...]


def front_of(
    spine: Spine, mass: Mass, earlier: Array, motions: list[RigidMotion | None], first: Spine
) -> tuple[Front, list[Finding]]:
    """Follow the front of a mass.

    Parameters
    ----------
    spine, mass : Spine, Mass
        Second scan.
    earlier : (n,) ndarray
        Signed distance of the first scan's mass at the voxels of `mass`, mm; from `elsewhere`.
    motions : list of RigidMotion or None
        Of its pieces, first scan to second.
    first : Spine
        First scan.

    Returns
    -------
    front : Front
        Points about evenly spread over the surface.
    findings : list of Finding
        ``MASS-NEW-PIECE``: what does not touch the earlier mass has no front that advanced.
    """
    assert spine.mass is not None
    window, grid = _around_mass(spine)
    near = np.flatnonzero(np.abs(mass.distance) < 0.5 * grid.spacing.max())
    points, piece = mass.points[near], mass.piece[near]
    gap, slope = fit_spline(spine.mass[window], grid=grid).value_gradient(points)
    surface = points - (gap / np.maximum((slope**2).sum(axis=1), 0.25))[:, None] * slope
    advance = elsewhere(surface, piece, motions, first, back=True)
    voxel = spine.grid.to_voxel(surface)
    # Where the image ends, the mass's surface is a cut and no front.
    advance[((voxel < _BORDER_VOXELS) | (voxel > np.array(spine.grid.shape) - 1 - _BORDER_VOXELS)).any(axis=1)] = np.nan
    findings = []
    for k, one in enumerate(mass.pieces):
        if motions[k] is not None and not (earlier[mass.piece == k] < 0).any():
            advance[piece == k] = np.nan
            message = "A piece of the mass does not touch the earlier mass: it is new, and no front is followed there."
            findings.append(Finding("MASS-NEW-PIECE", "warning", one.owner, message))
    # Out of the earlier mass's band nothing is known of its distance.
    advance[advance >= _SEEN_MM] = np.nan
    return Front(surface, mass.vertebra[near], advance, mass, tuple(motions)), findings


def earlier_mass(front: Front, points: Array, first: Spine) -> Array:
    """Distance (n,), mm, of the first scan's mass at points (n, 3) of the second, moved with the nearest piece."""
    _, nearest = cKDTree(front.mass.points).query(points)
    return elsewhere(points, front.mass.piece[nearest], front.motions, first, back=True)


def gained(mass: Mass, other: Array, spine: Spine) -> Array:
    """Volume (levels, 2) mm3 of this scan's mass that is not in the other's, by nearest vertebra and side.

    `other` (n,) is the signed distance of the other scan's mass at the voxels of `mass`; a piece without motion counts
    as not gained.
    """
    own = fractions(mass.distance, spine)
    common = fractions(np.maximum(mass.distance, np.where(np.isfinite(other), other, -BAND_MM)), spine)
    return by_vertebra(own - common, mass, spine)


def by_vertebra(share: Array, mass: Mass, spine: Spine) -> Array:
    """Sum of voxel shares (n,) as a volume (levels, 2), mm3, by nearest vertebra and side of the patient."""
    out = np.zeros((len(spine.levels), len(SIDES)))
    np.add.at(out, (mass.vertebra, mass.side), share * spine.grid.voxel_volume)
    return out
