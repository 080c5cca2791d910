"""The canal and its centreline: labelled or from the rings, and made whole where a drawn mass had replaced it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.centreline import first_curve, framed, refine, turned
from canalrisk.anatomy.checks import check_some_healthy
from canalrisk.anatomy.content import Content, near
from canalrisk.anatomy.levels import Vertebrae, anterior_angle, landmarks_of
from canalrisk.anatomy.prelesion import affected_sections, restored_canal
from canalrisk.anatomy.replaced import UnderMass, under_mass
from canalrisk.anatomy.rings import canal_from_rings
from canalrisk.anatomy.soft import boundary
from canalrisk.anatomy.spine import Array, Centreline, Distance
from canalrisk.field import signed_distance
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

Mask = NDArray[np.bool_]

_TURNED_LEVEL = np.radians(15.0)
# Less than this, unseen in or beside the canal, is the rounding of voxels, mm3.
_UNSEEN_MM3 = 1.0


@dataclass(frozen=True, eq=False)
class Whole:
    """Canal, bone and centreline before the mass; `affected` (n,) sections where the mass had replaced the canal.

    `under` says what lay under a mass drawn as a label; None where the mass hides nothing.
    """

    vertebrae: Vertebrae
    bone: Distance
    canal: Distance
    line: Centreline
    affected: Mask
    under: UnderMass | None = None


def canal_and_line(
    content: Content,
    vertebrae: Vertebrae,
    bone: Distance,
    discs: dict[str, Array],
    *,
    grid: Grid,
    findings: list[Finding],
    replaced_by: Distance | None = None,
) -> tuple[Distance, Centreline]:
    """Signed distance of the canal, mm, and its centreline; the frame points anterior.

    Parameters
    ----------
    content, vertebrae, discs
        What was labelled.
    bone : (nx, ny, nz) ndarray of float32
        Signed distance of the vertebrae, mm.
    grid : Grid
        Their grid.
    findings : list of Finding
        Receives what had to be assumed.
    replaced_by : (nx, ny, nz) ndarray of float32, optional
        Signed distance of a mass that took part of the labelled canal, mm: the centreline must not swerve, or end,
        beside it.

    Raises
    ------
    GeometryError
        Neither a canal nor closed rings; a canal that is no tube.
    """
    across = np.linalg.svd(vertebrae.cranial[None])[2][1]
    if content.canal is not None:
        mask = near(content.canal, vertebrae, grid=grid)
        canal = boundary(mask, content.canal_share, grid=grid, smooth=True)
        curve, course = first_curve(mask, grid=grid, cranial=vertebrae.cranial), canal
        if replaced_by is not None:
            rough = oriented(framed(curve, across), vertebrae, discs, findings=[])
            affected = affected_sections(canal, replaced_by, grid=grid, line=rough)
            check_some_healthy(affected)
            if affected.any():
                course = restored_canal(canal, affected, replaced_by, grid=grid, line=rough)
        line = refine(curve, course, grid=grid, anterior=across)
    else:
        inner = next((mask for mask in (content.sac, content.cord, content.either) if mask is not None), None)
        start = None
        if inner is not None:
            start = first_curve(near(inner, vertebrae, grid=grid), grid=grid, cranial=vertebrae.cranial)
        canal, line, closed = canal_from_rings(bone, vertebrae, grid=grid, start=start)
        message = (
            f"No canal was labelled: it is the rings of {', '.join(closed)}, closed between levels along the "
            "centreline."
        )
        findings.append(Finding("CANAL-FROM-RINGS", "warning", "canal", message))
    return canal, oriented(line, vertebrae, discs, findings=findings)


def oriented(line: Centreline, vertebrae: Vertebrae, discs: dict[str, Array], *, findings: list[Finding]) -> Centreline:
    """Turn the frame so that the vertebral bodies lie anterior; say which level or world axis disagrees."""
    points = np.concatenate(list(discs.values())) if discs else None
    angle, by_level = anterior_angle(line, vertebrae, points)
    line = turned(line, angle)
    for level, off in by_level.items():
        if abs(off) > _TURNED_LEVEL:
            message = f"{level} points {np.degrees(off):.0f} degrees away from the other levels about the canal."
            findings.append(Finding("LEVEL-ROTATED", "info", level, message))
    middle = len(line.s) // 2
    if line.right[middle, 0] < 0.5:
        message = "The patient's right, from bodies and arches, is not the world's +x: check that the header is RAS+."
        findings.append(Finding("WORLD-FRAME-DOUBTFUL", "serious", "header", message))
    return line


def made_whole(
    content: Content,
    vertebrae: Vertebrae,
    bone: Distance,
    mass_mask: Mask,
    mass: Distance,
    discs: dict[str, Array],
    *,
    grid: Grid,
    findings: list[Finding],
) -> Whole:
    """Canal, bone and centreline as they were before a mass, drawn as a label, replaced part of them.

    Bone and canal under the mass come from the vertebrae's mirror images (`under_mass`). Where the mass hides both
    sides, bone is left out and the canal is interpolated along the centreline (`restored_canal`).

    Parameters
    ----------
    content, vertebrae, discs
        What was labelled beside the mass.
    bone, mass : (nx, ny, nz) ndarray of float32
        Signed distances of the vertebrae and of the mass, mm.
    mass_mask : (nx, ny, nz) ndarray of bool
        The mass.
    grid : Grid
        Their grid.
    findings : list of Finding
        Receives what was reconstructed.

    Raises
    ------
    GeometryError
        As `canal_and_line`; a mass that reaches the canal at every section.
    """
    if content.canal_share is not None:
        content = replace(content, canal_share=None)
        message = "The mass was drawn as a label and took part of the canal, so the soft canal is not used."
        findings.append(Finding("SOFT-CANAL-NOT-USED", "warning", "canal", message))
    canal, line = canal_and_line(content, vertebrae, bone, discs, grid=grid, findings=[], replaced_by=mass)
    check_some_healthy(affected_sections(canal, mass, grid=grid, line=line))
    seen = near(content.canal, vertebrae, grid=grid) if content.canal is not None else canal < 0
    landmarks = landmarks_of(line, vertebrae, discs)
    under = under_mass(vertebrae, seen, mass_mask, mass, grid=grid, line=line, landmarks=landmarks)
    vertebrae = under.vertebrae
    if len(under.regained):
        bone = signed_distance(vertebrae.bone, grid=grid)
        gaps = [gap for gap in under.gap_mm.values() if np.isfinite(gap)]
        message = (
            f"The mass had replaced bone: {len(under.regained) * grid.voxel_volume:.0f} mm3 come from the mirror image "
            f"of each vertebra in itself, as far as the mass covers it; {_told(gaps)}."
        )
        findings.append(Finding("BONE-RECONSTRUCTED", "warning", "bone", message))
    if content.canal is None:
        canal, line = canal_and_line(content, vertebrae, bone, discs, grid=grid, findings=findings)
    else:
        canal = signed_distance(under.canal, grid=grid, smooth=True)
    affected = affected_sections(canal, mass, grid=grid, line=line)
    if affected.any():
        canal, line = _canal_whole(canal, line, under.unseen, vertebrae, discs, grid=grid, findings=findings)
        affected = affected_sections(canal, mass, grid=grid, line=line)
    return Whole(vertebrae, bone, canal, line, affected, under)


def _told(gaps: list[float]) -> str:
    if not gaps:
        return "too little was visible to fit it, and the mid-sagittal plane of the canal stands for the mirror"
    return f"beside the mass both sides then agree within {max(gaps):.1f} mm (root mean square)"


def _canal_whole(
    canal: Distance,
    line: Centreline,
    unseen: Mask,
    vertebrae: Vertebrae,
    discs: dict[str, Array],
    *,
    grid: Grid,
    findings: list[Finding],
) -> tuple[Distance, Centreline]:
    """Fill what no mirror image shows of the canal, and lay the centreline anew."""
    message = "The mass had replaced part of the canal; its shape there is the mirror image of the other side"
    if float(unseen.sum() * grid.voxel_volume) > _UNSEEN_MM3:
        hidden = signed_distance(unseen, grid=grid)
        sections = affected_sections(canal, hidden, grid=grid, line=line)
        check_some_healthy(sections)
        if sections.any():
            canal = restored_canal(canal, sections, hidden, grid=grid, line=line)
            message += (
                ", and where the mass hides both sides it is interpolated along the centreline between the sections "
                "that it leaves alone"
            )
    findings.append(Finding("CANAL-RECONSTRUCTED", "warning", "canal", message + "."))
    middle = len(line.s) // 2
    line = refine(line.points, canal, grid=grid, anterior=line.anterior[middle])
    return canal, oriented(line, vertebrae, discs, findings=findings)
