"""Indices of canal, cord and foramina: pure functions with units and definitions."""

from canalrisk.morphometry.clearance import clearance
from canalrisk.morphometry.measure import measure, measure_findings
from canalrisk.morphometry.prepared import Prepared, prepare

__all__ = ["Prepared", "clearance", "measure", "measure_findings", "prepare"]
