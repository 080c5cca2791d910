"""Pre-lesion dural sac and cord: as segmented, interpolated beside a mass, or made from the canal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.centreline import canal_sections
from canalrisk.anatomy.content import Content
from canalrisk.anatomy.healthy import healthy_cord
from canalrisk.anatomy.layers import sac_in_canal
from canalrisk.anatomy.lining import InnerLayers, sac_findings
from canalrisk.anatomy.prelesion import restored_content, touched_sections
from canalrisk.anatomy.soft import boundary
from canalrisk.anatomy.spine import Centreline, Distance
from canalrisk.anatomy.tube import measure_tube, tube_distance
from canalrisk.field import signed_distance
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

Mask = NDArray[np.bool_]

# A cord this much covered by the mass was drawn without it, mm3.
_OVERLAP_MM3 = 5.0
_PRESSED = 0.95
# A healthy cervical cord has 40-100 mm2, a sac 150-250 mm2: what is called either must be one of them.
_CORD_OR_SAC_MM2 = 115.0


def prelesion_sac(
    content: Content,
    canal: Distance,
    affected: Mask,
    mass: Distance | None,
    *,
    grid: Grid,
    line: Centreline,
    findings: list[Finding],
    layers: InnerLayers,
    landmarks: Callable[[], dict[str, float]],
) -> tuple[Distance, Mask | None]:
    """Pre-lesion dural sac, and the mask of the segmented cord if there is one.

    Parameters
    ----------
    content : Content
        What was labelled.
    canal : (nx, ny, nz) ndarray of float32
        Signed distance of the canal before the mass, mm.
    affected : (n,) ndarray of bool
        Sections where a mass drawn as a label replaced part of the canal.
    mass : (nx, ny, nz) ndarray of float32, optional
        Signed distance of the mass, mm; needed where a section is affected.
    grid, line
        Where.
    findings : list of Finding
        Receives what had to be assumed.
    layers : InnerLayers
        What lies between canal and sac.
    landmarks : callable
        Gives the levels' arc lengths, mm; called only for thicknesses by level.
    """
    cord_mask, sac_mask = content.cord, content.sac
    if content.either is not None and cord_mask is None:
        either = signed_distance(content.either, grid=grid)
        area = canal_sections(either, grid=grid, line=line)[0]
        is_sac = float(np.median(area[area > 0])) > _CORD_OR_SAC_MM2 if (area > 0).any() else False
        meant = "dural sac" if is_sac else "cord"
        cord_mask, sac_mask = (None, content.either) if is_sac else (content.either, sac_mask)
        message = f"The label that may mean cord or sac has the size of a {meant} and is taken as one."
        findings.append(Finding("CORD-OR-SAC", "warning", "cord", message))
    if sac_mask is None:
        findings += sac_findings(layers)
        levels = landmarks() if layers.by_level else {}
        return sac_in_canal(canal, grid=grid, line=line, layers=layers, landmarks=levels), cord_mask
    sac = signed_distance(sac_mask, grid=grid, smooth=True)
    if mass is not None:
        restored = _restored(sac, affected, canal=canal, mass=mass, grid=grid, line=line)
        sac = sac if restored is None else restored
    return sac, cord_mask


def prelesion_cord(
    mask: Mask | None,
    share: NDArray[np.float32] | None,
    sac: Distance,
    canal: Distance,
    affected: Mask,
    mass: Distance | None,
    *,
    landmarks: dict[str, float],
    grid: Grid,
    line: Centreline,
    findings: list[Finding],
) -> tuple[Distance, Distance | None]:
    """Pre-lesion cord, and today's as segmented; `share` of a soft cord; other parameters as for `prelesion_sac`."""
    if mask is None:
        _, centroid, _ = canal_sections(sac, grid=grid, line=line)
        tube, scale = healthy_cord(line, landmarks, measure_tube(sac, grid=grid, line=line, centre=centroid))
        message = "No cord was labelled: a cord of mean healthy size per level (203 adults) lies on the sac's centre."
        if scale < 0.95:
            message += f" It had to be shrunk to {scale:.2f} of its width to fit the narrowest section."
        findings.append(Finding("CORD-FROM-MORPHOMETRY", "warning", "cord", message))
        return tube_distance(tube, grid=grid), None
    measured = boundary(mask, share, grid=grid, smooth=True)
    cord = measured
    restored = None if mass is None else _restored(measured, affected, canal=canal, mass=mass, grid=grid, line=line)
    if restored is not None:
        cord = restored
        message = (
            "The pre-lesion cord beside the mass has its place in the canal and, where the mass comes within 1 mm, its "
            "shape interpolated from other sections; the segmented cord is today's."
        )
        findings.append(Finding("CORD-RECONSTRUCTED", "warning", "cord", message))
    if mass is None:
        return cord, measured
    overlap = _overlap(measured, mass, grid)
    if overlap <= _OVERLAP_MM3:
        return cord, measured
    message = (
        f"Mass and segmented cord overlap by {overlap:.0f} mm3: the cord was drawn without the mass "
        "and is taken as the pre-lesion cord."
    )
    findings.append(Finding("CORD-DRAWN-WITHOUT-MASS", "warning", "cord", message))
    return cord, None


def _restored(
    field: Distance, affected: Mask, *, canal: Distance, mass: Distance, grid: Grid, line: Centreline
) -> Distance | None:
    """Sac or cord as it was before the mass; None where it bears no mark of the mass.

    A mass drawn as a label replaced what lay under it. One from a file that lies over the structure tells that this was
    drawn without it. One that only touches it may have pressed it: if the structure is somewhere smaller, by 5 %, than
    the sections beyond let expect (a mass makes nothing larger, and healthy cords interpolated over 30 mm of a real
    neck came out up to 9 % too small). A structure that is only pushed aside by a mass from a file is not told.
    """
    if affected.any():
        return restored_content(field, affected, canal=canal, mass=mass, grid=grid, line=line)
    if _overlap(field, mass, grid) > _OVERLAP_MM3:
        return None
    touched = touched_sections(field, mass, grid=grid, line=line)
    if not touched.any() or touched.all():
        return None
    before = restored_content(field, touched, canal=canal, mass=mass, grid=grid, line=line)
    area, whole = (canal_sections(part, grid=grid, line=line)[0][touched] for part in (field, before))
    return before if (area < _PRESSED * whole).any() else None


def _overlap(field: Distance, mass: Distance, grid: Grid) -> float:
    return float(((field < 0) & (mass < 0)).sum() * grid.voxel_volume)


def cut_to_sac(line: Centreline, sac: Distance, affected: Mask, *, grid: Grid) -> tuple[Centreline, Mask]:
    """Cut the centreline to where the sac reaches: an inferred sac ends a little before its canal."""
    area = canal_sections(sac, grid=grid, line=line)[0]
    whole = np.flatnonzero(area > 0.5 * np.median(area))
    if not len(whole):
        return line, affected
    part = slice(whole[0], whole[-1] + 1)
    cut = Centreline(
        line.s[part] - line.s[part][0], line.points[part], line.right[part], line.anterior[part], line.tangent[part]
    )
    return cut, affected[part]
