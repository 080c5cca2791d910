"""From a Spine and a Timeline to a finite-element system: mesh, tissues, pia, ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.gray import gray_of
from canalrisk.anatomy.spine import Spine
from canalrisk.fem import Membrane, Model, System, prepare, quadrature_points
from canalrisk.field import linear_sample
from canalrisk.findings import Finding
from canalrisk.growth.timeline import Timeline
from canalrisk.mechanics.ends import end_supports
from canalrisk.mechanics.materials import CordMaterials, cord_materials
from canalrisk.mechanics.outline import CordOutlines, sample_outlines
from canalrisk.mechanics.outputs import SLICE_PLANES, Observer
from canalrisk.mechanics.section_cut import cut_sections
from canalrisk.mechanics.settings import CordSettings
from canalrisk.mechanics.tube import CordTube, mesh_cord, stations
from canalrisk.mesh import quality_findings

Array = NDArray[np.float64]

# The mass counts as reaching the cord where it comes this near: the cord may be pushed along before it is
# touched further on.
REACH_MM = 2.0
# Cord sections are reported this far apart, and not within END_MM of an artificial end.
SECTION_MM = 1.0
END_MM = 4.0
# Less cord than this beyond the contact is told to the reader.
WANTED_MARGIN_MM = 30.0


@dataclass(frozen=True, eq=False)
class CordModel:
    """Everything that one simulation shares between its times.

    `outlines` is the whole sampled cord, `reach` the arc-length interval where the mass comes near it, mm.
    """

    system: System
    tube: CordTube
    outlines: CordOutlines
    observer: Observer
    materials: CordMaterials
    reach: tuple[float, float]
    findings: tuple[Finding, ...]


def build_model(spine: Spine, timeline: Timeline, *, settings: CordSettings) -> CordModel:
    """Mesh the pre-lesion cord around the reach of the mass and prepare its system.

    Parameters
    ----------
    spine : Spine
        Pre-lesion anatomy.
    timeline : Timeline
        All its masses decide where the mesh is fine.
    settings : CordSettings
        Mesh, materials, ends.

    Returns
    -------
    CordModel

    Raises
    ------
    GeometryError
        If there is no cord to mesh.
    """
    outlines = sample_outlines(spine)
    low, high = mass_reach(spine, timeline, outlines=outlines)
    start = max(float(outlines.s[0]), low - settings.margin_mm)
    end = min(float(outlines.s[-1]), high + settings.margin_mm)
    tube = mesh_cord(
        outlines, s=stations(start=start, end=end, low=low, high=high, preset=settings.mesh), preset=settings.mesh
    )
    materials = cord_materials(settings)
    findings = [*materials.findings, *quality_findings(tube.mesh, where="cord"), *_assumptions(settings)]
    short = min(low - start, end - high)
    if short < WANTED_MARGIN_MM - 0.5:
        findings.append(
            Finding(
                "CORD-END-NEAR",
                "info",
                "cord",
                f"The image shows {short:.0f} mm of cord beyond the mass where {WANTED_MARGIN_MM:.0f} mm are wanted; "
                "the end spring stands nearer to the contact.",
            )
        )
    arc_length, gray = _points(spine, tube)
    membranes: tuple[Membrane, ...] = ()
    if materials.pia_thickness > 0:
        membranes = (Membrane(tube.mesh.surface, materials.pia_young, materials.pia_poisson, materials.pia_thickness),)
    system = prepare(
        Model(
            mesh=tube.mesh,
            materials=materials.tissues,
            material_index=gray.astype(np.int64),
            membranes=membranes,
            supports=end_supports(tube, materials=materials, settings=settings),
            contact=tube.mesh.surface,
        )
    )
    section_s = np.arange(np.ceil(start + END_MM), end - END_MM, SECTION_MM)
    planes = outlines.at((section_s[:, None] + SLICE_PLANES).ravel())
    rest = cut_sections(
        tube.mesh, tube.mesh.points, origins=planes.origins, right=planes.right, anterior=planes.anterior
    )
    observer = Observer(system, tube, section_s, planes, rest, arc_length, gray)
    return CordModel(system, tube, outlines, observer, materials, (low, high), tuple(findings))


def mass_reach(spine: Spine, timeline: Timeline, *, outlines: CordOutlines) -> tuple[float, float]:
    """Arc-length interval over which any mass of the timeline comes near the cord, mm.

    Without any near mass: where it comes nearest; without any mass: the middle of the cord.
    """
    nearest = np.full(len(outlines.s), np.inf)
    for snapshot in timeline.snapshots:
        if snapshot.mass is not None:
            gap = linear_sample(snapshot.mass, grid=spine.grid, points=outlines.world, fill=np.inf)
            nearest = np.minimum(nearest, gap.min(axis=1))
    if not np.isfinite(nearest).any():
        middle = float(outlines.s[len(outlines.s) // 2])
        return middle, middle
    near = outlines.s[nearest <= max(REACH_MM, float(nearest.min()))]
    return float(near[0]), float(near[-1])


def _points(spine: Spine, tube: CordTube) -> tuple[Array, NDArray[np.bool_]]:
    """Arc length and gray-matter membership of the quadrature points, (m, 8)."""
    mesh = tube.mesh
    disc = np.asarray(mesh.node_data["disc"], float)
    station = np.repeat(tube.outlines.s, mesh.section_size)
    arc_length = quadrature_points(np.column_stack((disc, station)), mesh.cells)[..., 2]
    world = quadrature_points(mesh.points, mesh.cells)
    gray = gray_of(spine)(world.reshape(-1, 3)).reshape(arc_length.shape) >= 0.5
    return arc_length, gray


def _assumptions(settings: CordSettings) -> list[Finding]:
    found = [
        Finding(
            "DENTICULATE-ABSENT",
            "info",
            "cord",
            "Denticulate ligaments and roots do not hold the modelled cord: their stress-strain curve was not found in "
            "the evidence.",
        )
    ]
    if settings.mesh.area_loss_error > 0.0:
        found.append(
            Finding(
                "CORD-MESH-ERROR",
                "info",
                "cord",
                f"On the demonstration neck, mesh preset {settings.preset} and preset fine differed by up to "
                f"{100 * settings.mesh.area_loss_error:.2g} percentage points of predicted area loss; smaller changes "
                "over time may be the mesh's.",
            )
        )
    if settings.ends == "springs":
        found.append(
            Finding(
                "ENDS-ASSUMED",
                "info",
                "cord",
                f"Each end of the modelled cord is held along its axis like {settings.missing_cord_mm:.0f} mm of "
                "further cord; this length is an assumption.",
            )
        )
    return found
