"""What every snapshot of one spine shares: sections, pre-lesion sizes and foramen stations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from canalrisk.anatomy.enumeration import enumeration_confidence
from canalrisk.anatomy.gray import gray_of, published_share
from canalrisk.anatomy.population import check_sex
from canalrisk.anatomy.sections import (
    HALF_WIDTH_MM,
    STEP_MM,
    levels_of,
    negative_runs,
    offsets,
    plane_moments,
    plane_points,
    sample_planes,
)
from canalrisk.anatomy.spine import Array, Centreline, Distance, Spine
from canalrisk.errors import UsageError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.morphometry.alignment import alignment, alignment_findings, bodies_of, torg_pavlov
from canalrisk.morphometry.bylevel import by_level
from canalrisk.morphometry.filling import filling_findings, shape_and_filling
from canalrisk.morphometry.kline import k_line
from canalrisk.morphometry.mass import Neighbours, prepare_neighbours
from canalrisk.morphometry.stations import Stations, find_stations, mirrored, without
from canalrisk.morphometry.surroundings import Surroundings, find_surroundings
from canalrisk.morphometry.tissue import tissue_findings, with_tissue

Progress = Callable[[float, str], None]

SAGITTAL_DEGREES = np.arange(-30.0, 30.1, 2.5)
RAY_STEP_MM = 0.25
_OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True, eq=False)
class Prepared:
    """A spine made ready for `measure`.

    `points` (n, m, m, 3) mm and `canal` (n, m, m) mm: section planes and the canal on them. `rays`
    (n, 25, k, 3) mm and `canal_rays` (n, 25, k) mm: lines through the centreline within 30 degrees of the
    sagittal plane, posterior to anterior. `fixed`: section variables that no mass changes. `stations` per
    foramen, in the order of ``spine.foramina``. `neighbours` and `surroundings`: what the mass is measured against.
    """

    spine: Spine
    points: Array
    canal: Array
    rays: Array
    canal_rays: Array
    fixed: dict[str, Array]
    level: tuple[str, ...]
    stations: tuple[Stations, ...]
    neighbours: Neighbours
    surroundings: Surroundings
    findings: tuple[Finding, ...] = ()
    sex: str | None = None
    whole: dict[str, Any] = field(default_factory=dict)
    """Variables per level, per section and of the whole neck that no mass changes and that are no sections' sizes."""


def prepare(
    spine: Spine,
    *,
    sex: str | None = None,
    walls: tuple[Distance, ...] | None = None,
    surroundings: Surroundings | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Sample and measure what does not depend on the mass.

    Parameters
    ----------
    spine : Spine
        From `canalrisk.anatomy.build_spine`.
    sex : {"F", "M"}, optional
        Which healthy adults cord and sac are compared with; both where not given.
    walls : tuple of (nx, ny, nz) ndarray of float32, optional
        Signed distances of what bounds the foramina, mm; `foramen_walls` of the spine where not given.
    surroundings : Surroundings, optional
        From `find_surroundings`, which takes the CT and what angiography says of the arteries; found from the spine
        alone where not given.
    progress : callable, optional
        Called as ``progress(fraction, message)``.

    Returns
    -------
    Prepared

    Raises
    ------
    UsageError
        If `spine` is not a Spine, or `sex` is neither.
    """
    if not isinstance(spine, Spine):
        raise UsageError("prepare takes a Spine", where=type(spine).__name__, fix="call build_spine first")
    check_sex(sex)
    tell = progress or (lambda fraction, message: None)
    tell(0.0, "canal sections")
    line, grid = spine.centreline, spine.grid
    points = plane_points(line, slice(None))
    canal = sample_planes(spine.canal, grid=grid, points=points)
    rays = sagittal_rays(line)
    canal_rays = sample_planes(spine.canal, grid=grid, points=rays)
    fixed = _fixed(spine, points, canal, canal_rays)
    bodies = bodies_of(spine)
    angles = alignment(spine, bodies)
    whole: dict[str, Any] = {**angles, **torg_pavlov(spine, bodies, by_level(fixed, spine)["level_canal_ap"])}
    whole["enumeration_confidence"] = enumeration_confidence(spine.findings)
    middle = len(SAGITTAL_DEGREES) // 2
    whole["k_line_offset"] = k_line(spine, rays[:, middle], canal_rays[:, middle], step=RAY_STEP_MM)
    findings = [*filling_findings(spine), *alignment_findings(spine, angles)]
    tell(0.4, "vertebral arteries")
    surroundings = find_surroundings(spine) if surroundings is None else surroundings
    tell(0.5, "foramen stations")
    wall = foramen_walls(spine) if walls is None else walls
    own = {(f.name, f.side): find_stations(f, wall=wall, canal=spine.canal, grid=grid) for f in spine.foramina}
    replaced = {(f.name, f.side) for f in spine.foramina if f.wall_replaced}
    stations = []
    for foramen in spine.foramina:
        here, across = (foramen.name, foramen.side), (foramen.name, _OTHER[foramen.side])
        found = own[here]
        if here in replaced:
            intact = across in own and across not in replaced
            found = mirrored(own[across], line=line) if intact else without(found)
        found = with_tissue(found, spine=spine, tissue=surroundings.tissue)
        stations.append(found)
        if not len(found.place) and here not in replaced:
            where = f"{foramen.name} {foramen.side}"
            message = "No section across the root's path is closed by bone; the free area is not measured."
            findings.append(Finding("FORAMEN-OPEN", "warning", where, message))
    if spine.disc is None and spine.foramina:
        message = "Discs are not labelled: foramina are bounded by bone alone."
        findings.append(Finding("FORAMEN-BONY-WALLS", "info", "foramina", message))
    tell(0.8, "roots")
    neighbours = prepare_neighbours(spine)
    findings += [*neighbours.findings, *surroundings.findings]
    findings += tissue_findings(spine) if spine.foramina else ()
    tell(1.0, "ready to measure")
    return Prepared(
        spine=spine,
        points=points,
        canal=canal,
        rays=rays,
        canal_rays=canal_rays,
        fixed=fixed,
        level=tuple(levels_of(spine, line.s)),
        stations=tuple(stations),
        neighbours=neighbours,
        surroundings=surroundings,
        findings=tuple(findings),
        sex=sex,
        whole=whole,
    )


def foramen_walls(spine: Spine) -> tuple[Distance, ...]:
    """Signed distances of what bounds the foramina, mm: bone, and discs where labelled."""
    return (spine.bone,) if spine.disc is None else (spine.bone, spine.disc)


def sagittal_rays(line: Centreline) -> Array:
    """Lines (n, 25, k, 3) through every centreline point within 30 degrees of the sagittal plane, mm."""
    angle = np.radians(SAGITTAL_DEGREES)
    along = offsets(HALF_WIDTH_MM, RAY_STEP_MM)
    way = np.cos(angle)[None, :, None] * line.anterior[:, None] + np.sin(angle)[None, :, None] * line.right[:, None]
    lines: Array = line.points[:, None, None] + along[None, None, :, None] * way[:, :, None]
    return lines


def _fixed(spine: Spine, points: Array, canal: Array, canal_rays: Array) -> dict[str, Array]:
    grid, line = spine.grid, spine.centreline
    n = len(line.s)
    middle = len(SAGITTAL_DEGREES) // 2
    sac = sample_planes(spine.sac, grid=grid, points=points)
    cord = sample_planes(spine.cord, grid=grid, points=points)
    area, centroid = plane_moments(cord, step=STEP_MM)
    fixed = {
        "canal_area": plane_moments(canal, step=STEP_MM)[0],
        "canal_ap": _central_run(canal_rays[:, middle]),
        "canal_rl": widest(canal),
        "sac_area": plane_moments(sac, step=STEP_MM)[0],
        "cord_area_prelesion": area,
        "cord_ap_prelesion": chord_ap(spine.cord, grid=grid, line=line, centroid=centroid),
        "cord_rl_prelesion": widest(cord),
        "gray_area_prelesion": area * _gray_share(spine, points, cord),
    }
    today = None if spine.cord_measured is None else sample_planes(spine.cord_measured, grid=grid, points=points)
    ap, rl, measured = (np.full(n, np.nan) for _ in range(3))
    if spine.cord_measured is not None and today is not None:
        measured, centroid = plane_moments(today, step=STEP_MM)
        ap, rl = chord_ap(spine.cord_measured, grid=grid, line=line, centroid=centroid), widest(today)
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.where(area > 0, 1.0 - measured / area, np.nan)
    fixed |= {"cord_area_measured": measured, "cord_ap_measured": ap, "cord_area_loss_measured": loss}
    return fixed | shape_and_filling(spine, points, canal=canal, sac=sac, cord=today, ap=ap, rl=rl)


def _gray_share(spine: Spine, points: Array, cord: Array) -> Array:
    """Mean share (n,) of gray matter over the cord's part of each section, from four places about each of its nodes.

    The butterfly has its share of the area by construction.
    """
    line = spine.centreline
    if spine.gray is None:
        return published_share(spine)
    gray = gray_of(spine)
    section, rows, columns = np.nonzero(cord < 0)
    nodes = points[section, rows, columns]
    share = np.zeros(len(nodes))
    for right, anterior in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        away = 0.25 * STEP_MM * (right * line.right[section] + anterior * line.anterior[section])
        share += 0.25 * gray(nodes + away)
    count = np.bincount(section, minlength=len(cord))
    with np.errstate(invalid="ignore"):
        mean: Array = np.bincount(section, share, minlength=len(cord)) / count
    return mean


def chord_ap(field: Distance, *, grid: Grid, line: Centreline, centroid: Array) -> Array:
    """Antero-posterior chord (n,) mm through a structure's centroid on each section; 0 where it is absent."""
    along = offsets(HALF_WIDTH_MM, RAY_STEP_MM)
    start = line.points + np.nan_to_num(centroid[:, :1]) * line.right
    values = sample_planes(field, grid=grid, points=start[:, None] + along[None, :, None] * line.anterior[:, None])
    return negative_runs(values, step=RAY_STEP_MM)[:, 1]


def widest(values: Array) -> Array:
    """Longest left-right chord (n,) mm of what is negative on each section."""
    n, rows, columns = values.shape
    runs = negative_runs(values.reshape(n * rows, columns), step=STEP_MM)[:, 1]
    longest: Array = runs.reshape(n, rows).max(axis=1)
    return longest


def _central_run(values: Array) -> Array:
    return negative_runs(values, step=RAY_STEP_MM)[:, 1]
