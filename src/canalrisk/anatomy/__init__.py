"""What the labels mean."""

from canalrisk.anatomy.build import build_spine
from canalrisk.anatomy.sections import level_at, section_plane
from canalrisk.anatomy.spine import Centreline, Foramen, Spine

__all__ = ["Centreline", "Foramen", "Spine", "build_spine", "level_at", "section_plane"]
