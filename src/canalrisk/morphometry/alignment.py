"""Sagittal alignment, and the canal's depth against that of the vertebral bodies."""

from __future__ import annotations

import numpy as np

from canalrisk.anatomy.bodies import MISSING, Body, find_body
from canalrisk.anatomy.sections import point_at
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.findings import Finding
from canalrisk.morphometry.bylevel import level_names

UPPER, LOWER = "C2", "C7"
_RATIO_LEVELS = ("C3", "C4", "C5", "C6", "C7", "T1")


def bodies_of(spine: Spine) -> dict[str, Body]:
    """Bodies of the vertebrae from C2 downwards."""
    return {level: find_body(spine, level) for level in spine.levels if level != "C1"}


def alignment(spine: Spine, bodies: dict[str, Body]) -> dict[str, float]:
    """Angles of lordosis between C2 and C7, degrees, lordosis positive.

    Parameters
    ----------
    spine : Spine
        Where.
    bodies : dict of str to Body
        From `bodies_of`.

    Returns
    -------
    dict of str to float
        `cobb_c2_c7` between the lower end plates; `posterior_tangent_c2_c7` between the posterior walls of the bodies;
        `canal_angle_c2_c7` between the tangents of the canal's centreline at mid-vertebra. Not a number where a
        vertebra is missing.

    References
    ----------
    Cobb and posterior tangent method: Harrison et al. 2000, Spine 25:2072-2078 (RECALLED); Guo et al. 2018,
    J Orthop Surg Res 13:147 (asymptomatic people: 12.7 degrees Cobb, 18.6 degrees posterior tangent).
    """
    upper, lower = (bodies.get(level, MISSING) for level in (UPPER, LOWER))
    tangents = [_tangent(spine, level) for level in (UPPER, LOWER)]
    right = _right(spine)
    return {
        "cobb_c2_c7": _turn(lower.lower, upper.lower, right),
        "posterior_tangent_c2_c7": _turn(lower.behind, upper.behind, right),
        "canal_angle_c2_c7": _turn(tangents[1], tangents[0], right),
    }


def torg_pavlov(spine: Spine, bodies: dict[str, Body], canal_ap: Array) -> dict[str, Array]:
    """Depth of each body and ratio of the canal's to it, per vertebral level.

    Parameters
    ----------
    spine : Spine
        Whose levels these are.
    bodies : dict of str to Body
        From `bodies_of`.
    canal_ap : (levels,) ndarray
        Mid-sagittal AP diameter of the canal before the mass per level, mm.

    Returns
    -------
    dict of str to (levels,) ndarray
        `body_ap` mm and `torg_pavlov`; not a number at discs, at C1 and C2, and where no body was found.

    References
    ----------
    Pavlov, Torg, Robie and Jahre 1987, Radiology 164:771-775, on lateral radiographs. The canal's depth is there the
    shortest way from the middle of the posterior wall to the spinolaminar line.
    """
    levels = level_names(spine)
    depth = np.array([bodies[name].depth if name in _RATIO_LEVELS and name in bodies else np.nan for name in levels])
    return {"body_ap": depth, "torg_pavlov": canal_ap / depth}


def alignment_findings(spine: Spine, angles: dict[str, float]) -> tuple[Finding, ...]:
    """Say why there is no angle.

    Returns
    -------
    tuple of Finding
        ``ALIGNMENT-NOT-MEASURED`` where an angle is missing.
    """
    missing = [name for name, value in angles.items() if not np.isfinite(value)]
    if not missing:
        return ()
    absent = [level for level in (UPPER, LOWER) if level not in spine.levels]
    why = f"{' and '.join(absent)} not labelled" if absent else "a body or its level lies beyond the measured canal"
    message = f"Lordosis between C2 and C7 is not or not fully measured ({', '.join(missing)}): {why}."
    return (Finding("ALIGNMENT-NOT-MEASURED", "info", f"{UPPER}-{LOWER}", message),)


def _tangent(spine: Spine, level: str) -> Array:
    place, line = spine.landmarks.get(level), spine.centreline
    if place is None or not line.s[0] <= place <= line.s[-1]:
        return np.full(3, np.nan)
    return point_at(line, place)[3]


def _right(spine: Spine) -> Array:
    """Mean right of the canal's frame: normal of the sagittal plane."""
    mean = spine.centreline.right.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def _turn(start: Array, end: Array, right: Array) -> float:
    """Angle, degrees, by which `end` is turned from `start` backwards about the axis to the right."""
    a, b = (vector - (vector @ right) * right for vector in (start, end))
    return float(np.degrees(np.arctan2(np.cross(a, b) @ right, a @ b)))
