"""Indices of canal, cord and foramina: pure functions with units and definitions."""

from canalrisk.morphometry.clearance import clearance
from canalrisk.morphometry.edge import edge_from_dice, edge_from_surface_distance
from canalrisk.morphometry.interval import measure_with_intervals
from canalrisk.morphometry.measure import measure, measure_findings
from canalrisk.morphometry.prepared import Prepared, prepare

__all__ = [
    "Prepared",
    "clearance",
    "edge_from_dice",
    "edge_from_surface_distance",
    "measure",
    "measure_findings",
    "measure_with_intervals",
    "prepare",
]
