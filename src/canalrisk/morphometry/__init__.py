"""Indices of canal, cord and foramina: pure functions with units and definitions."""

from canalrisk.morphometry.change import Comparison, change_of_indices, compare_scans
from canalrisk.morphometry.clearance import clearance
from canalrisk.morphometry.detectable import (
    minimal_detectable_change,
    probability_of_increase,
    standard_error,
    standard_error_from_intervals,
)
from canalrisk.morphometry.edge import edge_from_dice, edge_from_surface_distance
from canalrisk.morphometry.interval import measure_with_intervals
from canalrisk.morphometry.measure import measure, measure_findings
from canalrisk.morphometry.prepared import Prepared, prepare
from canalrisk.morphometry.surroundings import Surroundings, find_surroundings
from canalrisk.morphometry.wavering import simulated_standard_error

__all__ = [
    "Comparison",
    "Prepared",
    "Surroundings",
    "change_of_indices",
    "clearance",
    "compare_scans",
    "edge_from_dice",
    "edge_from_surface_distance",
    "find_surroundings",
    "measure",
    "measure_findings",
    "measure_with_intervals",
    "minimal_detectable_change",
    "prepare",
    "probability_of_increase",
    "simulated_standard_error",
    "standard_error",
    "standard_error_from_intervals",
]
