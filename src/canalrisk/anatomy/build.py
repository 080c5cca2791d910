"""Label map in, Spine out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.centreline import canal_sections, first_curve, framed, refine, turned
from canalrisk.anatomy.checks import check_grid, check_mass, check_some_healthy, outside_line
from canalrisk.anatomy.fairing import faired
from canalrisk.anatomy.foramina import find_foramina
from canalrisk.anatomy.healthy import FLAVUM_MM, healthy_cord, sac_in_canal
from canalrisk.anatomy.levels import Vertebrae, anterior_angle, find_vertebrae, landmarks_of
from canalrisk.anatomy.prelesion import affected_sections, bone_restored, foramina_with_walls, restored
from canalrisk.anatomy.rings import canal_from_rings
from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.anatomy.spine import Array, Centreline, Distance, Spine
from canalrisk.anatomy.tube import measure_tube, tube_distance
from canalrisk.errors import GeometryError
from canalrisk.field import signed_distance
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.labelmap import LabelMap

Progress = Callable[[float, str], None]
Mask = NDArray[np.bool_]

# A cord this much covered by the mass was drawn without it, mm3.
_OVERLAP_MM3 = 5.0
# A healthy cervical cord has 40-100 mm2, a sac 150-250 mm2: what is called either must be one of them.
_CORD_OR_SAC_MM2 = 115.0
_TURNED_LEVEL = np.radians(15.0)


@dataclass(frozen=True, eq=False)
class _Content:
    """What the label map says about the canal and what lies in it; None where it says nothing."""

    canal: Mask | None
    sac: Mask | None
    cord: Mask | None
    either: Mask | None


def build_spine(labelmap: LabelMap, *, progress: Progress | None = None) -> Spine:
    """Give the labels their anatomical meaning.

    Parameters
    ----------
    labelmap : LabelMap
        At least two cervical vertebrae; canal, cord and the rest where segmented.
    progress : callable, optional
        Called as ``progress(fraction, message)``.

    Returns
    -------
    Spine
        Pre-lesion anatomy and today's mass. What was not labelled is inferred, with a Finding each.

    Raises
    ------
    LabelError
        No or one vertebra; a vertebra in two places; vertebrae out of order; an empty mass.
    GeometryError
        Unusable grid; neither a canal nor closed rings; a canal that is no tube; mass away from the spine.
    """
    tell = progress or (lambda fraction, message: None)
    grid, findings = labelmap.grid, []
    check_grid(grid)
    tell(0.0, "vertebrae")
    vertebrae, noted = find_vertebrae(labelmap)
    findings += noted
    content = _content(labelmap)
    mass_mask = labelmap.mass
    if mass_mask is None and labelmap.mass_is_label:
        mass_mask = labelmap.mask("mass")
    if mass_mask is not None:
        check_mass(mass_mask, vertebrae.bone | (content.canal if content.canal is not None else False), grid=grid)
    bone = signed_distance(vertebrae.bone, grid=grid)
    mass = None if mass_mask is None else signed_distance(mass_mask, grid=grid)

    tell(0.25, "canal and centreline")
    replaced = mass_mask is not None and _has_replaced(labelmap, mass_mask)
    discs = _discs(labelmap)
    canal, line = _canal(content, vertebrae, bone, mass if replaced else None, discs, grid, findings)
    affected, taken = np.zeros(len(line.s), bool), np.zeros((0, 3))
    if replaced and mass is not None and mass_mask is not None:
        line = _oriented(line, vertebrae, discs, [])
        affected = affected_sections(canal, mass, grid=grid, line=line)
        check_some_healthy(affected)
        if affected.any():
            canal = restored(canal, affected, grid=grid, line=line, replaced_by=mass)
            message = (
                "The mass had replaced part of the canal; its shape there is interpolated from healthy sections and "
                "fitted to the wall of the other side."
            )
            findings.append(Finding("CANAL-RECONSTRUCTED", "warning", "canal", message))
        before = float(vertebrae.bone.sum() * grid.voxel_volume)
        vertebrae, taken = bone_restored(vertebrae, mass_mask, canal, grid=grid, line=line)
        gained = float(vertebrae.bone.sum() * grid.voxel_volume) - before
        if gained > 0:
            bone = signed_distance(vertebrae.bone, grid=grid)
            message = (
                f"The mass had replaced bone: {gained:.0f} mm3 come from the mirror "
                "image of the other side, as far as the mass covers it."
            )
            findings.append(Finding("BONE-RECONSTRUCTED", "warning", "bone", message))
    line = _oriented(line, vertebrae, discs, findings)

    tell(0.5, "sac and cord")
    canal = faired(canal, grid=grid, line=line)
    sac, cord_mask = _sac(content, canal, affected, grid, line, findings)
    line, affected = _with_sac(line, sac, affected, grid)
    landmarks = landmarks_of(line, vertebrae, discs)
    cord, measured = _cord(cord_mask, sac, affected, landmarks, grid, line, findings)
    sac = np.minimum(sac, cord)
    if measured is not None and mass is not None:
        overlap = float(((measured < 0) & (mass < 0)).sum() * grid.voxel_volume)
        if overlap > _OVERLAP_MM3:
            measured = None
            message = (
                f"Mass and segmented cord overlap by {overlap:.0f} mm3: the cord was drawn without the mass "
                "and is taken as the pre-lesion cord."
            )
            findings.append(Finding("CORD-DRAWN-WITHOUT-MASS", "warning", "cord", message))

    tell(0.7, "foramina")
    soft = _soft(labelmap)
    wall = np.minimum(bone, signed_distance(soft["disc"], grid=grid)) if "disc" in soft else bone
    foramina, noted = find_foramina(wall, canal, sac, vertebrae, line, landmarks, grid=grid)
    findings += noted
    foramina, noted = foramina_with_walls(foramina, taken, grid=grid)
    findings += noted
    findings += outside_line(line, landmarks, mass_mask, grid=grid)
    if mass_mask is not None:
        findings += _out_of_scope(mass_mask, grid, line, landmarks)
    tell(1.0, "spine understood")
    return Spine(
        grid=grid,
        levels=vertebrae.levels,
        bone=bone,
        vertebra_of=vertebrae.index,
        canal=canal,
        sac=sac,
        cord=cord,
        cord_measured=measured,
        mass=mass,
        soft=soft,
        centreline=line,
        landmarks=landmarks,
        foramina=foramina,
        findings=tuple(findings),
    )


def _content(labelmap: LabelMap) -> _Content:
    present = set(_present(labelmap).values())

    def given(*names: str) -> Mask | None:
        return labelmap.mask(*names) if present & set(names) else None

    whole, cord, csf = given("canal"), given("cord"), given("csf")
    outer = given("epidural", "canal_content")
    either = given("cord_or_sac")
    canal = None
    if whole is not None or outer is not None:
        canal = labelmap.mask("canal", "cord", "csf", "epidural", "canal_content", "cord_or_sac")
    sac = labelmap.mask("cord", "csf", "cord_or_sac") if csf is not None else None
    return _Content(canal=canal, sac=sac, cord=cord, either=either)


def _canal(
    content: _Content,
    vertebrae: Vertebrae,
    bone: Distance,
    replacing: Distance | None,
    discs: dict[str, Array],
    grid: Grid,
    findings: list[Finding],
) -> tuple[Distance, Centreline]:
    across = np.linalg.svd(vertebrae.cranial[None])[2][1]
    if content.canal is not None:
        mask = _near(content.canal, vertebrae, grid)
        canal = signed_distance(mask, grid=grid)
        curve = first_curve(mask, grid=grid, cranial=vertebrae.cranial)
        if replacing is None:
            return canal, refine(curve, canal, grid=grid, anterior=across)
        rough = _oriented(framed(curve, across), vertebrae, discs, [])
        course = _without_mass(canal, replacing, rough, grid)
        return canal, refine(curve, course, grid=grid, anterior=across)
    inner = next((mask for mask in (content.sac, content.cord, content.either) if mask is not None), None)
    start = None
    if inner is not None:
        start = first_curve(_near(inner, vertebrae, grid), grid=grid, cranial=vertebrae.cranial)
    canal, line, closed = canal_from_rings(bone, vertebrae, grid=grid, start=start)
    message = (
        f"No canal was labelled: it is the rings of {', '.join(closed)}, closed between levels along the centreline."
    )
    findings.append(Finding("CANAL-FROM-RINGS", "warning", "canal", message))
    return canal, line


def _without_mass(canal: Distance, mass: Distance, rough: Centreline, grid: Grid) -> Distance:
    """Canal as it was about its rough course: the centreline must not swerve, or end, where a mass replaced it."""
    affected = affected_sections(canal, mass, grid=grid, line=rough)
    check_some_healthy(affected)
    return restored(canal, affected, grid=grid, line=rough, replaced_by=mass) if affected.any() else canal


def _near(mask: Mask, vertebrae: Vertebrae, grid: Grid) -> Mask:
    """Keep the part of a long tube that lies beside the cervical vertebrae, 15 mm more at either end."""
    heights = np.concatenate([points @ vertebrae.cranial for points in vertebrae.points.values()])
    where = np.argwhere(mask)
    height = grid.to_world(where) @ vertebrae.cranial
    keep = where[(height > heights.min() - 15.0) & (height < heights.max() + 15.0)]
    near = np.zeros_like(mask)
    near[tuple(keep.T)] = True
    if not near.any():
        raise GeometryError(
            "canal or cord lie nowhere near the vertebrae",
            where="canal labels",
            fix="check the label table: the labels taken for canal and vertebrae do not belong together",
        )
    return near


def _has_replaced(labelmap: LabelMap, mass: Mask) -> bool:
    # A mass file that never overlaps a label was cut out of the same drawing, as a label is.
    return labelmap.mass_is_label or not (mass & (labelmap.labels != 0)).any()


def _oriented(line: Centreline, vertebrae: Vertebrae, discs: dict[str, Array], findings: list[Finding]) -> Centreline:
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


def _sac(
    content: _Content, canal: Distance, affected: Mask, grid: Grid, line: Centreline, findings: list[Finding]
) -> tuple[Distance, Mask | None]:
    """Pre-lesion dural sac, and the mask of the segmented cord if there is one."""
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
        message = (
            f"No dural sac was labelled: it is the canal less flavum ({FLAVUM_MM} mm), ligament, fat and dura; "
            "only the flavum's thickness is a verified number."
        )
        findings.append(Finding("SAC-INFERRED", "warning", "sac", message))
        return sac_in_canal(canal, grid=grid, line=line), cord_mask
    sac = signed_distance(sac_mask, grid=grid)
    if affected.any():
        sac = restored(sac, affected, grid=grid, line=line)
    return faired(sac, grid=grid, line=line), cord_mask


def _cord(
    mask: Mask | None,
    sac: Distance,
    affected: Mask,
    landmarks: dict[str, float],
    grid: Grid,
    line: Centreline,
    findings: list[Finding],
) -> tuple[Distance, Distance | None]:
    """Pre-lesion cord, and today's as segmented."""
    if mask is not None:
        measured = faired(signed_distance(mask, grid=grid), grid=grid, line=line)
        if not affected.any():
            return measured, measured
        message = (
            "The pre-lesion cord beside the mass is interpolated from healthy sections; the segmented cord is today's."
        )
        findings.append(Finding("CORD-RECONSTRUCTED", "warning", "cord", message))
        return restored(measured, affected, grid=grid, line=line), measured
    _, centroid, _ = canal_sections(sac, grid=grid, line=line)
    tube, scale = healthy_cord(line, landmarks, measure_tube(sac, grid=grid, line=line, centre=centroid))
    message = "No cord was labelled: a cord of mean healthy size per level (203 adults) lies on the sac's centre."
    if scale < 0.95:
        message += f" It had to be shrunk to {scale:.2f} of its width to fit the narrowest section."
    findings.append(Finding("CORD-FROM-MORPHOMETRY", "warning", "cord", message))
    return tube_distance(tube, grid=grid), None


def _with_sac(line: Centreline, sac: Distance, affected: Mask, grid: Grid) -> tuple[Centreline, Mask]:
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


def _discs(labelmap: LabelMap) -> dict[str, Array]:
    discs: dict[str, Array] = {}
    for value, name in _present(labelmap).items():
        if name.startswith("disc:C"):
            points = labelmap.grid.to_world(np.argwhere(labelmap.labels == value))
            key = name.partition(":")[2]
            discs[key] = np.concatenate([discs[key], points]) if key in discs else points
    return discs


def _present(labelmap: LabelMap) -> dict[int, str]:
    entries = labelmap.table.entries
    return {value: entries[value] for value in np.unique(labelmap.labels).tolist() if value in entries}


def _soft(labelmap: LabelMap) -> dict[str, Mask]:
    groups: dict[str, set[str]] = {}
    for name in _present(labelmap).values():
        kind = name.partition(":")[0]
        if kind == "disc":
            groups.setdefault("disc", set()).add(name)
        elif kind in ("flavum", "artery", "root"):
            groups.setdefault(name, set()).add(name)
    return {group: labelmap.mask(*names) for group, names in groups.items()}


def _out_of_scope(mass: Mask, grid: Grid, line: Centreline, landmarks: dict[str, float]) -> list[Finding]:
    upper = [value for name, value in landmarks.items() if name in ("C1", "C2")]
    if not upper:
        return []
    s = curve_coordinates(line, grid.to_world(np.argwhere(mass)))[0]
    border = landmarks.get("C2/3", min(upper) - 8.0)
    if (s > border).all():
        message = "The mass reaches C1-C2 only: it is measured, but mechanics and risk there are out of scope."
        return [Finding("MASS-AT-C1-C2-ONLY", "serious", "C1-C2", message)]
    if (s > border + 4.0).any():
        message = "Part of the mass lies at C1-C2: it is measured, but mechanics and risk there are out of scope."
        return [Finding("MASS-AT-C1-C2", "warning", "C1-C2", message)]
    return []
