"""Label map in, Spine out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.canal import Whole, canal_and_line, made_whole
from canalrisk.anatomy.checks import check_grid, check_mass, out_of_scope, outside_line
from canalrisk.anatomy.content import read_content, read_discs, read_soft
from canalrisk.anatomy.enumeration import enumeration_findings
from canalrisk.anatomy.foramina import find_foramina
from canalrisk.anatomy.levels import find_vertebrae, landmarks_of
from canalrisk.anatomy.lining import InnerLayers
from canalrisk.anatomy.neural import cut_to_sac, prelesion_cord, prelesion_sac
from canalrisk.anatomy.replaced import foramina_with_walls
from canalrisk.anatomy.soft import boundary, mass_share, with_shares
from canalrisk.anatomy.spine import Spine
from canalrisk.field import signed_distance
from canalrisk.imaging.labelmap import LabelMap

Progress = Callable[[float, str], None]
Mask = NDArray[np.bool_]


def build_spine(labelmap: LabelMap, *, layers: InnerLayers | None = None, progress: Progress | None = None) -> Spine:
    """Give the labels their anatomical meaning.

    Parameters
    ----------
    labelmap : LabelMap
        At least two cervical vertebrae; canal, cord and the rest where segmented.
    layers : InnerLayers, optional
        Thickness of what lines the bony canal where it is not labelled; the evidence's where not given.
    progress : callable, optional
        Called as ``progress(fraction, message)``.

    Returns
    -------
    Spine
        Pre-lesion anatomy and today's mass. What was not labelled is inferred, with a Finding each.

    Raises
    ------
    LabelError
        No or one vertebra; a vertebra in two places; vertebrae out of order; an empty mass; a soft segmentation that
        contradicts its label.
    GeometryError
        Unusable grid; neither a canal nor closed rings; a canal that is no tube; mass away from the spine.
    """
    tell = progress or (lambda fraction, message: None)
    grid = labelmap.grid
    check_grid(grid)
    tell(0.0, "vertebrae")
    vertebrae, findings = find_vertebrae(labelmap)
    content, noted = with_shares(read_content(labelmap), labelmap)
    discs = read_discs(labelmap)
    mass_mask, share_of_mass, said = mass_share(_mass(labelmap), labelmap)
    findings += noted + said
    if mass_mask is not None:
        check_mass(mass_mask, vertebrae.bone | (content.canal if content.canal is not None else False), grid=grid)
    bone = signed_distance(vertebrae.bone, grid=grid)
    mass = None if mass_mask is None else boundary(mass_mask, share_of_mass, grid=grid)

    tell(0.25, "canal and centreline")
    if mass is not None and mass_mask is not None and _has_replaced(labelmap, mass_mask):
        whole = made_whole(content, vertebrae, bone, mass_mask, mass, discs, grid=grid, findings=findings)
    else:
        canal, line = canal_and_line(content, vertebrae, bone, discs, grid=grid, findings=findings)
        whole = Whole(vertebrae, bone, canal, line, np.zeros(len(line.s), bool))

    tell(0.5, "sac and cord")
    canal = whole.canal
    layers = layers or InnerLayers()
    sac, cord_mask = prelesion_sac(
        content,
        canal,
        whole.affected,
        mass,
        grid=grid,
        line=whole.line,
        findings=findings,
        layers=layers,
        landmarks=lambda: landmarks_of(whole.line, whole.vertebrae, discs),
    )
    line, affected = cut_to_sac(whole.line, sac, whole.affected, grid=grid)
    landmarks = landmarks_of(line, whole.vertebrae, discs)
    share = content.cord_share if cord_mask is content.cord else None
    cord, measured = prelesion_cord(
        cord_mask, share, sac, canal, affected, mass, landmarks=landmarks, grid=grid, line=line, findings=findings
    )
    sac = np.minimum(sac, cord)

    tell(0.7, "foramina")
    soft = read_soft(labelmap)
    disc = signed_distance(soft["disc"], grid=grid) if "disc" in soft else None
    wall = whole.bone if disc is None else np.minimum(whole.bone, disc)
    foramina, noted = find_foramina(wall, canal, sac, whole.vertebrae, line, landmarks, grid=grid)
    findings += noted
    if whole.under is not None:
        foramina, noted = foramina_with_walls(foramina, whole.under, grid=grid)
        findings += noted
    findings += enumeration_findings(vertebrae, line, landmarks, discs, grid=grid)
    findings += outside_line(line, landmarks, mass_mask, grid=grid)
    if mass_mask is not None:
        findings += out_of_scope(mass_mask, line, landmarks, grid=grid)
    tell(1.0, "spine understood")
    return Spine(
        grid=grid,
        levels=whole.vertebrae.levels,
        bone=whole.bone,
        vertebra_of=whole.vertebrae.index,
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
        disc=disc,
        layers=layers,
        gray=labelmap.soft.get("gray"),
    )


def _mass(labelmap: LabelMap) -> Mask | None:
    if labelmap.mass is None and labelmap.mass_is_label:
        return labelmap.mask("mass")
    return labelmap.mass


def _has_replaced(labelmap: LabelMap, mass: Mask) -> bool:
    # A mass file that never overlaps a label was cut out of the same drawing, as a label is.
    return labelmap.mass_is_label or not (mass & (labelmap.labels != 0)).any()
