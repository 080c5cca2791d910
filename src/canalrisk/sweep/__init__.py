"""Designs, runner and store: many cases from one file, into one zarr store, resumable."""

from canalrisk.sweep.design import design_rows
from canalrisk.sweep.parameters import vocabulary
from canalrisk.sweep.runner import run_sweep
from canalrisk.sweep.spec import SweepSpec, parse_spec, read_spec
from canalrisk.sweep.summary import status_counts, summary_table

__all__ = [
    "SweepSpec",
    "design_rows",
    "parse_spec",
    "read_spec",
    "run_sweep",
    "status_counts",
    "summary_table",
    "vocabulary",
]
