"""What people see: files, pictures, page."""

from __future__ import annotations

from typing import Any

from canalrisk.report.console import console_table
from canalrisk.report.measured import measured_summary
from canalrisk.report.measured_table import measured_table
from canalrisk.report.output import check_out, write_measured, write_results
from canalrisk.report.summary import summary

__all__ = [
    "check_out",
    "console_table",
    "measured_summary",
    "measured_table",
    "render",
    "summary",
    "write_measured",
    "write_results",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use: who wants numbers only should not wait for matplotlib.
    if name == "render":
        from canalrisk.report.page import render

        return render
    raise AttributeError(f"module 'canalrisk.report' has no attribute {name!r}")
