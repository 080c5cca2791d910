"""Tables that scripts written for the Spinal Cord Toolbox (SCT) read: the columns of ``sct_process_segmentation``."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from itertools import permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from canalrisk import __version__
from canalrisk.anatomy.levels import CERVICAL, disc_name
from canalrisk.anatomy.sections import STEP_MM, plane_moments, plane_points, sample_planes
from canalrisk.anatomy.spine import Array, Distance, Spine
from canalrisk.field.grid import Grid
from canalrisk.morphometry.shape import section_shape
from canalrisk.report.provenance import describe_inputs
from canalrisk.report.reading import Case

METRICS: Final = (
    "area", "angle_AP", "angle_RL", "diameter_AP", "diameter_RL", "eccentricity", "orientation", "solidity",
)  # fmt: skip
COLUMNS: Final = (
    "Timestamp", "SCT Version", "Filename", "Slice (I->S)", "VertLevel", "DistancePMJ",
    *(f"{kind}({name})" for name in METRICS for kind in ("MEAN", "STD")), "SUM(length)",
)  # fmt: skip
VERSION: Final = f"canalrisk {__version__}, columns and ellipse diameters as SCT git-master of 2025-01"
"""What stands in the version column: who measured, and whose definitions were followed."""


def sct_tables(result: Case, *, per_level: bool = False) -> dict[str, str]:
    """Write cord and canal as SCT would.

    Parameters
    ----------
    result : Case
        From `canalrisk.subject.measure_subject`.
    per_level : bool
        One row per vertebral level, as with ``-perlevel 1``, instead of one per section (every 0.5 mm).

    Returns
    -------
    dict of str to str
        File name to text. ``sct_cord.csv`` is the cord as segmented, or before the mass where none was;
        ``sct_canal.csv`` is the dural sac before the mass with what it holds, which is what SCT's canal comes close to.

    Notes
    -----
    Sections lie across the canal's centreline here and across the image in SCT, which then corrects for the angle. The
    angles are those between centreline and the image's slice axis, about the antero-posterior and the left-right axis;
    diameters are the axes of the ellipse of equal second moments, that within 45 degrees of left-right is RL. mm, mm2,
    degrees; cells that do not apply are empty. ``Slice (I->S)`` numbers sections, not slices of the image. Sections
    beyond the labelled vertebrae are left out.
    """
    spine = result.spine
    cord = spine.cord if spine.cord_measured is None else spine.cord_measured
    name = str(describe_inputs(result).get("labels_name") or "phantom")
    return {
        "sct_cord.csv": _table(spine, cord, name, per_level=per_level),
        "sct_canal.csv": _table(spine, spine.sac, name, per_level=per_level),
    }


def _table(spine: Spine, field: Distance, name: str, *, per_level: bool) -> str:
    line = spine.centreline
    values = sample_planes(field, grid=spine.grid, points=plane_points(line, slice(None)))
    area, shape = plane_moments(values, step=STEP_MM)[0], section_shape(values, step=STEP_MM)
    about_ap, about_rl = slice_angles(line.tangent, grid=spine.grid)
    columns = (area, about_ap, about_rl, shape.ap, shape.rl, shape.eccentricity, shape.orientation, shape.solidity)
    # Nothing can be said of a section without the structure, not even its area: SCT leaves such cells empty.
    metrics = np.where(area[:, None] > 0, np.stack(columns, axis=1), np.nan)
    length = np.where(area > 0, np.gradient(line.s), np.nan)
    level = vertebral_levels(spine)
    groups = [np.flatnonzero(level == n) for n in np.unique(level[level > 0])]
    if not per_level:
        groups = [np.array([k]) for k in np.flatnonzero(level > 0)]
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(COLUMNS)
    when = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
    for group in groups:
        known = group[np.isfinite(length[group])]
        cells: list[float | str] = [""] * (2 * len(METRICS) + 1)
        if len(known):
            mean, spread = metrics[known].mean(axis=0), metrics[known].std(axis=0)
            cells = [*np.stack([mean, spread], axis=1).ravel().tolist(), float(length[known].sum())]
        place = f"{group[0]}:{group[-1]}" if per_level else str(group[0])
        rows.writerow([when, VERSION, name, place, level[group[0]], "", *cells])
    return stream.getvalue()


def slice_angles(tangent: Array, *, grid: Grid) -> tuple[Array, Array]:
    """Angles between a centreline and the image's slice axis, about the antero-posterior and the left-right axis.

    Parameters
    ----------
    tangent : (n, 3) ndarray
        Unit tangents, RAS+, pointing cranially.
    grid : Grid
        The image's grid: its own axes count, not the world's, as in SCT.

    Returns
    -------
    about_ap, about_rl : (n,) ndarray
        Degrees; positive where the centreline goes to the patient's left, and anteriorly, on its way up.
    """
    unit = grid.affine[:3, :3] / grid.spacing
    # Which array axis runs along which world axis: the permutation that fits best, signs apart.
    best = max(permutations(range(3)), key=lambda order: sum(abs(unit[k, order[k]]) for k in range(3)))
    right, anterior, up = (unit[:, axis] * np.sign(unit[k, axis]) for k, axis in enumerate(best))
    along = tangent @ up
    return np.degrees(np.arctan2(-(tangent @ right), along)), np.degrees(np.arctan2(tangent @ anterior, along))


def vertebral_levels(spine: Spine) -> NDArray[np.int64]:
    """SCT's number of the vertebral level of each section (n,): 1 for C1, 8 for T1, 0 beyond the labelled vertebrae.

    A level reaches from disc to disc, C1 and C2 meet half-way; the first and the last reach as far out as in.
    """
    s, marks = spine.centreline.s, spine.landmarks
    number = np.zeros(len(s), np.int64)
    names = [name for name in CERVICAL if name in marks]
    for name in names:
        at = CERVICAL.index(name)
        above = _border(marks, CERVICAL[at - 1], name) if at else None
        below = _border(marks, name, CERVICAL[at + 1]) if at + 1 < len(CERVICAL) else None
        if above is None and below is None:
            continue
        top = above if above is not None else 2 * marks[name] - float(below or 0.0)
        bottom = below if below is not None else 2 * marks[name] - top
        number[(s >= bottom) & (s < top)] = at + 1
    return number


def _border(marks: dict[str, float], upper: str, lower: str) -> float | None:
    if upper not in marks or lower not in marks:
        return None
    return marks.get(disc_name(upper), 0.5 * (marks[upper] + marks[lower]))
