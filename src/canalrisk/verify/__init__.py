"""Verification of the finite-element core: problems with known answers, run by ``canalrisk verify``.

Each problem is a plain function that returns `Check` values: expected, obtained, tolerance, observed order, and where
the expected value comes from. Tolerances come from theory (orders of convergence, Richardson's estimate of the
discretisation error, rounding), never from what was obtained.
"""

from canalrisk.verify.check import Check, Problem
from canalrisk.verify.registry import PROBLEMS, select
from canalrisk.verify.run import Outcome, run

__all__ = ["PROBLEMS", "Check", "Outcome", "Problem", "run", "select"]
