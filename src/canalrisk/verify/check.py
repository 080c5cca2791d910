"""What a verification problem is and what it returns; error estimates by refinement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, log

# An observed order may fall short of the theoretical one by this much on the meshes that are affordable.
ORDER_MARGIN = 0.1
# Safety factor of the grid convergence index for studies whose order is observed (Roache 1994, J Fluids Eng 116:405).
SAFETY = 1.25


@dataclass(frozen=True)
class Check:
    """One number against what it ought to be.

    Parameters
    ----------
    name : str
        Problem, as in ``canalrisk verify --only NAME``.
    quantity : str
        What is compared, with its unit where it has one.
    expected, obtained : float
    tolerance : float
        Greatest error accepted.
    source : str
        Where `expected` comes from.
    order : float, optional
        Observed order of convergence.
    least_order : float, optional
        Theoretical order; `order` may not be lower by more than `ORDER_MARGIN`.
    at_least : bool
        `obtained` may exceed `expected`: the error is only what it falls short by.
    """

    name: str
    quantity: str
    expected: float
    obtained: float
    tolerance: float
    source: str
    order: float | None = None
    least_order: float | None = None
    at_least: bool = False

    @property
    def error(self) -> float:
        """Relative error; absolute where the expected value is 0, and for orders and other lower bounds."""
        if self.at_least:
            return max(0.0, self.expected - self.obtained)
        difference = abs(self.obtained - self.expected)
        return difference / abs(self.expected) if self.expected != 0.0 else difference

    @property
    def passed(self) -> bool:
        """Whether the error is within its tolerance and the order is the theory's; never for NaN."""
        if not (isfinite(self.obtained) and self.error <= self.tolerance):
            return False
        if self.least_order is None:
            return True
        return self.order is not None and self.order >= self.least_order - ORDER_MARGIN


@dataclass(frozen=True)
class Problem:
    """A verification problem.

    Parameters
    ----------
    name : str
    family : str
    theory : str
        One line: what is known, and why.
    source : str
        Publication or derivation.
    run : callable
        Takes `name`, `source` and returns the checks.
    level : {0, 1, 2}
        0: in every run; 1: not with ``--quick``; 2: only with ``--full``.
    """

    name: str
    family: str
    theory: str
    source: str
    run: Callable[[str, str], tuple[Check, ...]]
    level: int = 1


def observed_order(errors: Sequence[float], *, ratio: float = 2.0) -> float:
    """Order of convergence between the last two of `errors` (coarse to fine), mesh width divided by `ratio`."""
    coarse, fine = abs(errors[-2]), abs(errors[-1])
    if not (coarse > 0.0 and fine > 0.0 and isfinite(coarse) and isfinite(fine)):
        return float("nan")
    return log(coarse / fine) / log(ratio)


def refined(
    name: str,
    quantity: str,
    values: Sequence[float],
    *,
    exact: float,
    source: str,
    order: float = 2.0,
    ratio: float = 2.0,
    model: float = 0.0,
) -> Check:
    """Compare the finest of a sequence of meshes with a closed form.

    The tolerance is the discretisation error that the last two meshes give at the theoretical order (Richardson
    extrapolation with Roache's safety factor) plus the `model` error of the closed form itself; the observed order
    is that of the true errors.

    Parameters
    ----------
    name, quantity, source : str
        As in `Check`.
    values : sequence of float
        Coarse to fine.
    exact : float
        Closed form.
    order : float
        Theoretical order.
    ratio : float
        Refinement from one mesh to the next.
    model : float
        Relative error of the closed form for this body (its own theory's neglected terms); 0 if exact. Where it is more
        than a tenth of the error on the finest mesh no order is told.

    Returns
    -------
    Check
    """
    estimate = SAFETY * abs(values[-1] - values[-2]) / (ratio**order - 1.0)
    errors = [value - exact for value in values]
    # A bias of a tenth of the finest error shifts an observed order of 2 by about 0.1.
    telling = model * abs(exact) <= 0.1 * abs(errors[-1]) or model == 0.0
    return Check(
        name=name,
        quantity=quantity,
        expected=exact,
        obtained=values[-1],
        tolerance=estimate / abs(exact) + model,
        source=source,
        order=observed_order(errors, ratio=ratio) if telling else None,
        least_order=order if telling else None,
    )
