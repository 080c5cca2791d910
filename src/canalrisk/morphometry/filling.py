"""Shape of canal, sac and cord on every section, and how much of sac and canal today's cord fills."""

from __future__ import annotations

import numpy as np

from canalrisk.anatomy.sections import STEP_MM, plane_moments, sample_planes
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.findings import Finding
from canalrisk.morphometry.shape import section_shape

_CORD = (
    "cord_rl_measured",
    "cord_compression_ratio_measured",
    "cord_ap_ellipse_measured",
    "cord_rl_ellipse_measured",
    "cord_compression_ratio_ellipse_measured",
    "cord_eccentricity_measured",
    "cord_solidity_measured",
    "ascor_sac",
    "ascor_canal",
)


def shape_and_filling(
    spine: Spine, points: Array, *, canal: Array, sac: Array, cord: Array | None, ap: Array, rl: Array
) -> dict[str, Array]:
    """Measure the section variables of `variables.csv` that describe shape and filling; none depends on a snapshot.

    Parameters
    ----------
    spine : Spine
        Its `mass` is today's, which narrows sac and canal about today's cord.
    points : (n, m, m, 3) ndarray
        Section planes, mm.
    canal, sac, cord : (n, m, m) ndarray
        Level sets on them, mm: canal and sac before the mass, cord as segmented today, if it was.
    ap, rl : (n,) ndarray
        Diameters of that cord, mm.

    Returns
    -------
    dict of str to (n,) ndarray
        Not a number where a structure is absent.

    References
    ----------
    Compression ratio: Fujiwara et al. 1989, J Bone Joint Surg Br 71:393-398 (RECALLED). Spinal cord occupation ratio:
    Hohenhaus et al. 2024, Spinal Cord 62:371-377, of cord and cerebrospinal fluid, hence `ascor_sac`.
    """
    outer, inner = section_shape(canal, step=STEP_MM), section_shape(sac, step=STEP_MM)
    found = {
        "canal_solidity": outer.solidity,
        "sac_ap_ellipse": inner.ap,
        "sac_rl_ellipse": inner.rl,
    }
    if cord is None:
        return found | {name: np.full(len(points), np.nan) for name in _CORD}
    shape = section_shape(cord, step=STEP_MM)
    area = plane_moments(cord, step=STEP_MM)[0]
    room, width = sac, canal
    if spine.mass is not None:
        mass = sample_planes(spine.mass, grid=spine.grid, points=points)
        room, width = np.maximum(sac, -mass), np.maximum(canal, -mass)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (
            rl,
            ap / rl,
            shape.ap,
            shape.rl,
            shape.ap / shape.rl,
            shape.eccentricity,
            shape.solidity,
            area / plane_moments(room, step=STEP_MM)[0],
            area / plane_moments(width, step=STEP_MM)[0],
        )
    there = (area > 0) & (rl > 0)
    return found | {name: np.where(there, value, np.nan) for name, value in zip(_CORD, values, strict=True)}


def filling_findings(spine: Spine) -> tuple[Finding, ...]:
    """Say what the filling ratios cannot be compared with.

    Returns
    -------
    tuple of Finding
        ``SAC-NOT-SEGMENTED`` where the sac was made from the canal: its area is no measurement.
    """
    if not sac_is_inferred(spine) or spine.cord_measured is None:
        return ()
    message = (
        "The dural sac was not segmented: the cord's share of it (aSCOR) rests on an inferred sac, and the sac is not "
        "compared with healthy adults."
    )
    return (Finding("ASCOR-SAC-INFERRED", "info", "sac", message),)


def sac_is_inferred(spine: Spine) -> bool:
    """Whether the dural sac was made from the canal."""
    return any(finding.code == "SAC-INFERRED" for finding in spine.findings)
