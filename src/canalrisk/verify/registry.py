"""All verification problems, in the order in which they are told."""

from __future__ import annotations

from canalrisk.errors import UsageError
from canalrisk.verify import (
    beam,
    derivatives,
    hertz,
    inflation,
    invariance,
    manufactured,
    membrane,
    patch,
    single,
    torsion,
    truss,
)
from canalrisk.verify.check import Problem

LEVELS = {"quick": 0, "default": 1, "full": 2}

PROBLEMS: tuple[Problem, ...] = (
    *patch.PROBLEMS,
    *manufactured.PROBLEMS,
    *derivatives.PROBLEMS,
    *invariance.PROBLEMS,
    *single.PROBLEMS,
    *inflation.PROBLEMS,
    *torsion.PROBLEMS,
    *beam.PROBLEMS,
    *membrane.PROBLEMS,
    *truss.PROBLEMS,
    *hertz.PROBLEMS,
)


def select(*, level: str = "default", only: str | None = None) -> tuple[Problem, ...]:
    """Problems of a level, or all whose name or family starts with `only`, whatever their level.

    Parameters
    ----------
    level : {"quick", "default", "full"}
    only : str, optional
        Beginning of a name or family.

    Returns
    -------
    tuple of Problem

    Raises
    ------
    UsageError
        If nothing is selected.
    """
    if only is None:
        return tuple(problem for problem in PROBLEMS if problem.level <= LEVELS[level])
    chosen = tuple(p for p in PROBLEMS if p.name == only) or tuple(
        p for p in PROBLEMS if p.name.startswith(only) or p.family.startswith(only)
    )
    if not chosen:
        raise UsageError(
            f"no problem or family begins with '{only}'", where="--only", fix="see canalrisk verify --list"
        )
    return chosen
