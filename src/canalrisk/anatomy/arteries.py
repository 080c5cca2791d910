"""Vertebral arteries: course and lumen from their labels, or a course through the transverse foramina."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import make_interp_spline
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.anatomy.transverse import TransverseForamen
from canalrisk.evidence import recalled_findings, value
from canalrisk.field import signed_distance
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

SIDES = ("left", "right")
RAYS = 72
STEP_MM = 0.5
# Wall points further than this from the axis belong to something else.
_WIDEST_MM = 6.0
_RAY_STEP_MM = 0.1
# The course is smoothed over this much: voxels leave its axis uncertain by a third of one.
_SMOOTH_MM = 2.0
# A gap in the label up to this wide is one artery still; more of it elsewhere is said.
_GAP_MM = 4.0
_LOST_SHARE = 0.1
# The artery lies in the foramen when its axis passes the foramen's plane within this of its clear passage.
_IN_HOLE_MM, _HOLE_LENGTH_MM = 0.5, 10.0
# Where no foramen lies below, the artery is seen to come in from outside when it is seen this much lower.
_BELOW_MM = 8.0
# The label's own end rounds the lumen off over about its radius: two bins of 1 mm.
_BIN_MM, _END_BINS = 1.0, 2


@dataclass(frozen=True, eq=False)
class Artery:
    """One vertebral artery, caudal to cranial.

    `path`, `tangent` (n, 3) mm every 0.5 mm; `wall` (n, 72, 3) mm the lumen's boundary across the course, `outward`
    (n, 72, 3) unit vectors from the axis; `area` (n,) mm2 of that section, NaN where it is not closed; `s` (n,)
    mm along the canal's centreline. The last 2 mm of a label, which its end rounds off, are left out. `inferred`: no
    label; the course is that of the transverse foramina and the lumen's width a published mean.
    """

    side: str
    path: Array
    tangent: Array
    wall: Array
    outward: Array
    area: Array
    s: Array
    inferred: bool

    @property
    def diameter(self) -> float:
        """Median over the course of the diameter of the circle of equal area, mm."""
        return float(np.sqrt(np.nanmedian(self.area) * 4.0 / np.pi))


def find_arteries(spine: Spine, holes: tuple[TransverseForamen, ...]) -> tuple[tuple[Artery, ...], tuple[Finding, ...]]:
    """Find the vertebral arteries of a spine.

    Parameters
    ----------
    spine : Spine
        With ``artery:left`` and ``artery:right`` in ``soft`` where labelled. One side alone is no error.
    holes : tuple of TransverseForamen
        From `find_transverse_foramina`; the course where neither side is labelled.

    Returns
    -------
    arteries : tuple of Artery
        None, one or two, left before right.
    findings : tuple of Finding
        What was inferred, interrupted or missing.
    """
    labelled = [side for side in SIDES if spine.soft.get(f"artery:{side}", np.zeros(1, bool)).any()]
    arteries, findings = [], []
    for side in labelled:
        found, noted = _labelled(spine, side)
        findings += noted
        if found is not None:
            arteries.append(found)
    if not labelled:
        arteries, findings = _inferred(spine, holes)
    return tuple(arteries), tuple(findings)


def entry_level(artery: Artery, holes: tuple[TransverseForamen, ...]) -> tuple[str, bool]:
    """Name the most caudal vertebra whose transverse foramen holds the artery.

    Returns
    -------
    level : str
        Empty where no foramen holds it.
    seen : bool
        Whether the course runs on below that level's neighbour, so that the entry is seen and not the label's end.
    """
    own = [hole for hole in holes if hole.side == artery.side]
    through = [k for k, hole in enumerate(own) if _passes(artery, hole)]
    if not through:
        return "", False
    last = through[-1]
    below = own[last + 1 :]
    # Below the next hole's plane, or, where that hole is not enclosed or does not exist, well below this one.
    plane, room = (below[0], 0.0) if below else (own[last], _BELOW_MM)
    return own[last].level, bool(((artery.path - plane.centre) @ plane.axis).min() < -room)


def _passes(artery: Artery, hole: TransverseForamen) -> bool:
    height = (artery.path - hole.centre) @ hole.axis
    off = np.linalg.norm(artery.path - hole.centre - height[:, None] * hole.axis, axis=1)
    inside = off < np.sqrt(hole.area / np.pi) + _IN_HOLE_MM
    return bool((inside & (np.abs(height) < 0.5 * _HOLE_LENGTH_MM)).any())


def _labelled(spine: Spine, side: str) -> tuple[Artery | None, list[Finding]]:
    grid = spine.grid
    where = f"artery {side}"
    mask = spine.soft[f"artery:{side}"]
    points = grid.to_world(np.argwhere(mask))
    path, lost = axis_of(points, grid=grid)
    findings = []
    if lost > _LOST_SHARE:
        message = f"The label of the vertebral artery is in pieces; {lost:.0%} of it is not connected and left out."
        findings.append(Finding("ARTERY-IN-PIECES", "warning", where, message.replace("%", " %")))
    if len(path) < 5:
        message = "The label of the vertebral artery is too short to measure a course."
        return None, [*findings, Finding("ARTERY-SHORT", "warning", where, message)]
    distance = _local_distance(mask, grid)
    for _ in range(2):
        tangent = _tangents(path)
        wall, _, area = _sections(path, tangent, *distance)
        centre = np.where((area > 0)[:, None], wall.mean(axis=1), path)
        path = _smoothed(centre)
    return _ordered(spine, side, path, *distance), findings


def axis_of(points: Array, *, grid: Grid) -> tuple[Array, float]:
    """Axis (n, 3) of a tube of voxels, and the share of them that hang together with no others.

    Voxel centres are binned by their way through the tube from its far end.

    Parameters
    ----------
    points : (m, 3) ndarray
        Voxel centres, mm.
    grid : Grid
        For the voxels' size.
    """
    reach = max(_GAP_MM, 1.8 * float(grid.spacing.max()))
    near = cKDTree(points).query_pairs(1.8 * float(grid.spacing.max()), output_type="ndarray")
    labels = _pieces(len(points), near)
    # Pieces whose nearest points are a small gap apart are joined through them.
    near = np.concatenate([near, _bridges(points, labels, reach)])
    labels = _pieces(len(points), near)
    main = labels == np.bincount(labels).argmax()
    length = np.linalg.norm(points[near[:, 0]] - points[near[:, 1]], axis=1)
    graph = coo_array((length, (near[:, 0], near[:, 1])), shape=(len(points), len(points))).tocsr()
    start = int(np.flatnonzero(main)[0])
    way = dijkstra(graph, directed=False, indices=start)
    end = int(np.argmax(np.where(np.isfinite(way), way, -1.0)))
    way = dijkstra(graph, directed=False, indices=end)
    bins = np.floor(way[main] / _BIN_MM).astype(int)
    count = np.bincount(bins)
    sums = np.stack([np.bincount(bins, weights=points[main][:, k]) for k in range(3)], axis=1)
    centres = (sums[count > 0] / count[count > 0][:, None])[_END_BINS:-_END_BINS]
    return _smoothed(centres) if len(centres) >= 5 else centres, 1.0 - float(main.mean())


def _pieces(n: int, near: NDArray[np.intp]) -> NDArray[np.intp]:
    graph = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(n, n))
    labels: NDArray[np.intp] = connected_components(graph, directed=False)[1]
    return labels


def _bridges(points: Array, labels: NDArray[np.intp], reach: float) -> NDArray[np.intp]:
    pairs = []
    sizes = np.bincount(labels)
    trees = {k: np.flatnonzero(labels == k) for k in np.flatnonzero(sizes > 3).tolist()}
    for a in trees:
        for b in trees:
            if a < b:
                gap, at = cKDTree(points[trees[a]]).query(points[trees[b]])
                if gap.min() <= reach:
                    k = int(np.argmin(gap))
                    pairs.append((trees[a][at[k]], trees[b][k]))
    return np.array(pairs, np.intp).reshape(-1, 2)


def _local_distance(mask: NDArray[np.bool_], grid: Grid) -> tuple[NDArray[np.float32], Grid]:
    """Signed distance of the lumen in its own box; samples beyond are far outside."""
    box = ndimage.find_objects(mask.astype(np.int8))[0]
    pad = np.ceil(2.0 / grid.spacing).astype(int) + 1
    low = np.maximum([part.start for part in box] - pad, 0)
    high = np.minimum([part.stop for part in box] + pad, mask.shape)
    window = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    local = grid.crop(low, high)
    # Rays only look for its zero.
    return signed_distance(mask[window], grid=local, band=2.0), local


def _smoothed(points: Array) -> Array:
    """Smooth a polyline over 2 mm and sample it every 0.5 mm; its ends stay."""
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    keep = np.concatenate([[True], np.diff(arc) > 1e-6])
    points, arc = points[keep], arc[keep]
    even = np.linspace(0.0, arc[-1], max(6, round(arc[-1] / STEP_MM) + 1))
    fine = np.stack([np.interp(even, arc, points[:, k]) for k in range(3)], axis=1)
    sigma = _SMOOTH_MM / (even[1] - even[0])
    # An odd reflection about the ends keeps straight ends straight.
    pad = min(len(fine) - 1, int(4 * sigma) + 1)
    whole = np.concatenate([2 * fine[:1] - fine[pad:0:-1], fine, 2 * fine[-1:] - fine[-2 : -pad - 2 : -1]])
    smooth: Array = ndimage.gaussian_filter1d(whole, sigma, axis=0, mode="nearest")[pad : pad + len(fine)]
    return smooth


def _tangents(path: Array) -> Array:
    along = np.gradient(path, axis=0)
    unit: Array = along / np.linalg.norm(along, axis=1, keepdims=True)
    return unit


def _rays(tangent: Array) -> Array:
    """Return unit vectors (n, 72, 3) around every point of a course, orthogonal to it."""
    helper = np.where(np.abs(tangent[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(tangent, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(tangent, first)
    angle = np.arange(RAYS) * (2.0 * np.pi / RAYS)
    around: Array = np.cos(angle)[None, :, None] * first[:, None] + np.sin(angle)[None, :, None] * second[:, None]
    return around


def _sections(path: Array, tangent: Array, distance: NDArray[np.float32], grid: Grid) -> tuple[Array, Array, Array]:
    """Wall (n, 72, 3), outward (n, 72, 3) and area (n,) of the lumen across its course; area 0 where it is open."""
    outward = _rays(tangent)
    t = np.arange(0.0, _WIDEST_MM + _RAY_STEP_MM, _RAY_STEP_MM)
    level = sample_planes(distance, grid=grid, points=path[:, None, None] + t[:, None] * outward[:, :, None])
    outside = level >= 0
    first = outside.argmax(axis=2)
    closed = outside.any(axis=2) & (first > 0)
    behind = np.maximum(first - 1, 0)
    b = np.take_along_axis(level, first[:, :, None], 2)[:, :, 0]
    a = np.take_along_axis(level, behind[:, :, None], 2)[:, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = np.where(closed, _RAY_STEP_MM * (behind + a / (a - b)), 0.0)
    area = 0.5 * np.sin(2.0 * np.pi / RAYS) * (radius * np.roll(radius, 1, axis=1)).sum(axis=1)
    return path[:, None] + radius[:, :, None] * outward, outward, np.where(closed.all(axis=1), area, 0.0)


def _ordered(spine: Spine, side: str, path: Array, distance: NDArray[np.float32], grid: Grid) -> Artery | None:
    """Give the artery caudal to cranial, without the ends where the label's own end cuts the section."""
    s = curve_coordinates(spine.centreline, path)[0]
    if s[0] > s[-1]:
        path, s = path[::-1], s[::-1]
    tangent = _tangents(path)
    wall, outward, area = _sections(path, tangent, distance, grid)
    whole = np.flatnonzero(area > 0)
    if len(whole) < 5:
        return None
    part = slice(whole[0], whole[-1] + 1)
    path, tangent, wall, outward, s = path[part], tangent[part], wall[part], outward[part], s[part]
    area = np.where(area[part] > 0, area[part], np.nan)
    return Artery(side, path, tangent, wall, outward, area, s, inferred=False)


def _inferred(spine: Spine, holes: tuple[TransverseForamen, ...]) -> tuple[list[Artery], list[Finding]]:
    """Course through the transverse foramina from C6 up, with a published calibre."""
    arteries, findings = [], []
    for side in SIDES:
        # C7's foramen carries veins as a rule: the artery enters at C6 in 93 % (evidence va.entry_c6_right).
        own = [hole for hole in holes if hole.side == side and hole.level != "C7"][::-1]
        if len(own) < 2:
            message = "Neither labelled nor to be inferred: fewer than two transverse foramina are enclosed by bone."
            findings.append(Finding("ARTERY-UNKNOWN", "warning", f"artery {side}", message))
            continue
        calibre = value("risk", f"va.diameter.entry_{side}")
        nodes = np.array([hole.centre for hole in own])
        chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1))])
        curve = make_interp_spline(chord, nodes, k=min(3, len(nodes) - 1))
        path = np.asarray(curve(np.linspace(0.0, chord[-1], round(chord[-1] / STEP_MM) + 1)), float)
        tangent = _tangents(path)
        outward = _rays(tangent)
        radius = 0.5 * calibre.value
        area = np.full(len(path), np.pi * radius**2)
        s = curve_coordinates(spine.centreline, path)[0]
        wall = path[:, None] + radius * outward
        arteries.append(Artery(side, path, tangent, wall, outward, area, s, inferred=True))
        levels = f"{own[0].level} to {own[-1].level}"
        message = (
            f"The vertebral artery is not labelled: its course is that of the transverse foramina {levels}, its "
            f"diameter the mean of adults, {calibre.value:g} mm ({calibre.source}). Calibre, asymmetry and narrowing "
            "are not measured, and whether the artery is there is not known."
        )
        findings.append(Finding("ARTERY-INFERRED", "warning", f"artery {side}", message))
        findings += recalled_findings([calibre])
    return arteries, findings
