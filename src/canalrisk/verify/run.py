"""Run verification problems one by one; a problem that fails to solve is a failed problem, never an exception."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from canalrisk._jit import one_blas_thread
from canalrisk.errors import CanalriskError
from canalrisk.verify.check import Check, Problem


@dataclass(frozen=True)
class Outcome:
    """What one problem gave.

    Parameters
    ----------
    problem : Problem
    checks : tuple of Check
        Empty if it did not come to an answer.
    seconds : float
        Wall-clock time.
    reason : str
        Why there is no answer; empty if there is.
    """

    problem: Problem
    checks: tuple[Check, ...]
    seconds: float
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether there is an answer and every check of it holds."""
        return bool(self.checks) and all(check.passed for check in self.checks)


def run(problems: Sequence[Problem], *, progress: Callable[[float, str], None] | None = None) -> tuple[Outcome, ...]:
    """Run `problems`.

    Parameters
    ----------
    problems : sequence of Problem
    progress : callable, optional
        Receives the fraction done and the name of the problem about to run.

    Returns
    -------
    tuple of Outcome
        One per problem, in order.
    """
    outcomes = []
    for number, problem in enumerate(problems):
        if progress is not None:
            progress(number / len(problems), problem.name)
        started = time.perf_counter()
        reason = ""
        checks: tuple[Check, ...] = ()
        try:
            with one_blas_thread():
                checks = problem.run(problem.name, problem.source)
        except CanalriskError as error:
            reason = error.what
        outcomes.append(Outcome(problem, checks, time.perf_counter() - started, reason))
    return tuple(outcomes)
