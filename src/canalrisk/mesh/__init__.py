"""Hexahedral meshes: swept tubes, and any from files."""

from canalrisk.mesh.brick import brick, rectilinear
from canalrisk.mesh.cylinder import elliptic_cylinder
from canalrisk.mesh.gray import gray_matter
from canalrisk.mesh.hexfile import read_hex_mesh
from canalrisk.mesh.hexmesh import HexMesh, boundary_quads, lateral_quads
from canalrisk.mesh.ogrid import DiscSection, disc_section
from canalrisk.mesh.quality import quality_findings, scaled_jacobian
from canalrisk.mesh.sweep import ellipse_outlines, sweep_section
from canalrisk.mesh.vtu import read_vtu, write_vtu

__all__ = [
    "DiscSection",
    "HexMesh",
    "boundary_quads",
    "brick",
    "disc_section",
    "ellipse_outlines",
    "elliptic_cylinder",
    "gray_matter",
    "lateral_quads",
    "quality_findings",
    "read_hex_mesh",
    "read_vtu",
    "rectilinear",
    "scaled_jacobian",
    "sweep_section",
    "write_vtu",
]
