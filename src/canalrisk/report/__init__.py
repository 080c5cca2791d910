"""What people see: files, pictures, page."""

from canalrisk.report.console import console_table
from canalrisk.report.output import check_out, write_results
from canalrisk.report.page import render
from canalrisk.report.summary import summary

__all__ = ["check_out", "console_table", "render", "summary", "write_results"]
