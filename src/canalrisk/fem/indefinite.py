"""What to do where the tangent is not positive definite: directions that use its negative curvature."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, lobpcg

from canalrisk.fem.assemble import Evaluation, times_free
from canalrisk.fem.search import Potential
from canalrisk.fem.system import System

Array = NDArray[np.float64]

MAX_PRODUCTS = 40
# Conjugate gradients end when the preconditioned residual has fallen by this much.
ENOUGH = 1e-3
# Curvature below this share of the shifted curvature counts as negative.
FLAT = 1e-6
# A first move along negative curvature, mm; the line search adapts it.
FIRST_MOVE = 0.2
MODE_ITERATIONS = 25
# An unstable equilibrium is left by this much along its softest mode, mm: the first that lowers the energy.
FALL_MM = (0.1, 0.02, 0.004)


def truncated_step(system: System, right: Array, *, reach: float) -> Array:
    """Minimise the quadratic model as far as it is bounded, by conjugate gradients on the shifted factor.

    The shifted factor, already made, differs from the matrix in few soft modes, so few iterations do. They end
    at the bound of the trust region or along the first direction of negative curvature (Steihaug 1983, SIAM J Numer
    Anal 20:626).

    Parameters
    ----------
    system : System
        `cholesky` holds the factor of the matrix plus a shift, `matrix` the matrix itself.
    right : (n, 3) ndarray
        Negative gradient; zero where not free.
    reach : float
        Greatest displacement of a node, mm.

    Returns
    -------
    (n, 3) ndarray
        A descent direction.
    """
    x = np.zeros_like(right)
    rest = right
    z = system.cholesky.solve(rest)
    p = z
    # Squares of z and of p in the norm of the shifted matrix.
    now = first = norm = float(np.vdot(rest, z))
    for iteration in range(MAX_PRODUCTS):
        hp = times_free(system, p)
        curvature = float(np.vdot(p, hp))
        if curvature <= FLAT * norm:
            return x + (FIRST_MOVE / longest(p)) * p if iteration else p
        alpha = now / curvature
        if longest(x + alpha * p) > reach:
            return x + (reach / longest(p)) * p
        x = x + alpha * p
        rest = rest - alpha * hp
        z = system.cholesky.solve(rest)
        before, now = now, float(np.vdot(rest, z))
        if not now > ENOUGH**2 * first:
            break
        p = z + (now / before) * p
        norm = now + (now / before) ** 2 * norm
    return x


def lowest_mode(system: System) -> tuple[float, Array]:
    """Find how the body falls from an unstable equilibrium: the mode of least curvature of the matrix last formed.

    Parameters
    ----------
    system : System
        `cholesky` holds the factor of the matrix plus a shift.

    Returns
    -------
    curvature : float
        v'Hv over v'v, N/mm.
    mode : (n, 3) ndarray
        Its farthest node moves by 1 mm.
    """
    shape = system.points.shape

    def by_column(apply: Callable[[Array], Array], x: Array) -> Array:
        columns = np.atleast_2d(x.T)
        return np.stack([apply(np.ascontiguousarray(c).reshape(shape)).ravel() for c in columns], axis=1)

    n = system.points.size
    operators = [
        LinearOperator((n, n), matmat=partial(by_column, f), matvec=partial(by_column, f), dtype=np.float64)
        for f in (partial(times_free, system), system.cholesky.solve)
    ]
    start = np.random.default_rng(0).standard_normal((n, 3)) * system.free.reshape(-1, 1)
    with warnings.catch_warnings():
        # Any direction of negative curvature serves; the eigenvalue need not be converged.
        warnings.simplefilter("ignore", UserWarning)
        values, modes = lobpcg(operators[0], start, M=operators[1], largest=False, maxiter=MODE_ITERATIONS)
    mode = modes[:, int(np.argmin(values))].reshape(shape)
    return float(values.min()), mode / longest(mode)


def fall(potential: Potential, u: Array, now: Evaluation) -> tuple[Array, Evaluation] | None:
    """Leave an unstable equilibrium along its softest mode, to whichever side the energy is lower.

    Parameters
    ----------
    potential : Potential
        Its `cholesky` holds the factor of the matrix plus a shift.
    u : (n, 3) ndarray
    now : Evaluation
        At `u`, with the tangent of the state itself.

    Returns
    -------
    tuple of (n, 3) ndarray and Evaluation, or None
        A state of lower energy, evaluated with tangents; None if none was found.
    """
    curvature, mode = lowest_mode(potential.system)
    if curvature >= 0.0:
        return None
    enough = now.energy - potential.noise(now)
    for distance in FALL_MM:
        sides = [u + distance * mode, u - distance * mode]
        energies = [potential.at(side, tangent=False).energy for side in sides]
        best = int(np.argmin(energies))
        if energies[best] < enough:
            return sides[best], potential.at(sides[best], tangent=True)
    return None


def longest(x: Array) -> float:
    """Greatest displacement of a node in `x` (n, 3), mm."""
    return float(np.sqrt((x * x).sum(axis=1).max()))
