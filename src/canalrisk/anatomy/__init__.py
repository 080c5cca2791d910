"""What the labels mean."""

from canalrisk.anatomy.build import build_spine
from canalrisk.anatomy.lining import InnerLayers
from canalrisk.anatomy.register import Registration, register_scans
from canalrisk.anatomy.sections import level_at, section_plane
from canalrisk.anatomy.spine import Centreline, Foramen, Spine

__all__ = [
    "Centreline",
    "Foramen",
    "InnerLayers",
    "Registration",
    "Spine",
    "build_spine",
    "level_at",
    "register_scans",
    "section_plane",
]
