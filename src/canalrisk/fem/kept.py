"""A factor that outlives its matrix: conjugate gradients on the matrix of now, preconditioned by the factor of then."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Apply = Callable[[Array], Array]
T = TypeVar("T")
# A solve in progress: it hands out vectors, is given each multiplied by the inverse of the kept factor's matrix, and
# ends with its result. Who drives it decides whose factor that is, and may serve several solves at a time.
Asking = Generator[Array, Array, T]

# After so many iterations the pace is judged, leniently: residuals fall faster later than at first.
JUDGED, LENIENT = 5, 1.5
SHARE, LEAST_WORTH = 0.6, 10.0
# A factor in single precision is not given up before so many iterations; it needs about three.
ROUGH_LIMIT = 20
# So often single precision may refuse a matrix that double precision takes; then it is not tried again.
REFUSALS = 3
# A random load's residual falls by this much before a matrix counts as definite.
CERTAIN = 1e-8


class Factorisation(Protocol):
    """What a direct solver does."""

    @property
    def nbytes(self) -> int:
        """Size of the stored factor, bytes."""

    @property
    def worth(self) -> float:
        """How many solves take as long as one factorisation, about."""

    def factor(self, matrix: Array, *, free: NDArray[np.bool_], shift: Array) -> bool:
        """Factor the matrix plus a diagonal; False if it is not positive definite."""

    def solve(self, right: Array) -> Array:
        """Solve with the last successful factor, (n, 3) or several at once, (k, n, 3)."""

    def twin(self) -> Factorisation:
        """Return a solver of the same pattern with a factor of its own."""


@dataclass(eq=False)
class KeptFactor:
    """A direct solver that can also solve with a matrix near the one it has factored.

    Parameters
    ----------
    solver : Factorisation
    limit : int, optional
        Most iterations that are made instead of a factorisation. By default as many as 0.6 of its time allow; none
        where it is worth less than ten solves, as on thin tubes, where nothing would be gained.
    shared : int
        Most iterations on a factor that whoever drives the solve keeps, used while none was made here; 0 if there is
        no such factor.
    rough : Factorisation, optional
        The same solver in single precision, tried first: `solve` then has six digits at best, and `improve` the rest.
    """

    solver: Factorisation
    limit: int | None = None
    shared: int = 0
    rough: Factorisation | None = None
    iterations: int = field(default=0, init=False)
    _free: NDArray[np.bool_] | None = field(default=None, init=False)
    _is_rough: bool = field(default=False, init=False)
    _refused: int = field(default=0, init=False)

    @property
    def nbytes(self) -> int:
        """Size of the stored factor, bytes."""
        return self._at_hand.nbytes

    @property
    def has_own(self) -> bool:
        """Whether a factor was made here that may serve for the matrices of now."""
        return self._free is not None

    @property
    def is_rough(self) -> bool:
        """Whether the factor at hand is in single precision."""
        return self._is_rough

    @property
    def _at_hand(self) -> Factorisation:
        return self.rough if self._is_rough and self.rough is not None else self.solver

    def factor(self, matrix: Array, *, free: NDArray[np.bool_], shift: Array, exactly: bool = False) -> bool:
        """Factor the matrix plus a diagonal, see `Multifrontal.factor`; in double precision if `exactly`."""
        tried = self.rough is not None and not exactly and self._refused < REFUSALS
        self._is_rough = good = bool(tried and self.rough and self.rough.factor(matrix, free=free, shift=shift))
        if not good:
            good = self.solver.factor(matrix, free=free, shift=shift)
            self._refused += tried and good
        self._free = free.copy() if good else None
        return good

    def forget(self) -> None:
        """Use the present factor for `solve` only: it is not that of a matrix near the next ones."""
        self._free = None

    def solve(self, right: Array) -> Array:
        """Solve with the last factor, (n, 3) or several right-hand sides (k, n, 3)."""
        return self._at_hand.solve(right)

    def improve(self, times: Apply, right: Array, *, free: NDArray[np.bool_], tolerance: float) -> Asking[Array | None]:
        """Solve with the matrix of now, if the factor of then serves.

        Parameters
        ----------
        times : callable
            Product of the matrix of now with (n, 3); zero where not free.
        right : (n, 3) ndarray
        free : (n, 3) ndarray of bool
            A factor with other free degrees of freedom does not serve.
        tolerance : float
            Residual norm over that of `right`.

        Returns
        -------
        (n, 3) ndarray or None
            None if there is no factor, iterations would cost more than a new one, or curvature is negative.
        """
        limit = self._usable(free)
        if limit == 0:
            return None
        found, iterations = yield from conjugate_gradients(times, right, tolerance=tolerance, limit=limit)
        self.iterations += iterations
        return found

    def certify(self, times: Apply, *, free: NDArray[np.bool_]) -> Asking[bool]:
        """Whether the matrix of now is surely positive definite, without factoring it; False says nothing.

        A random load is solved for by conjugate gradients on the factor at hand, a positive definite M. While all
        curvatures are positive, so are the Ritz values of M^-1 A, and the residual's polynomial, 1 at 0, is at least 1
        at every negative eigenvalue: in the norm of M^-1 the residual keeps the load's share in that eigenvector. The
        softer the eigenvector, the larger its share of a random load; that of one of average stiffness in n unknowns
        is about 1 / sqrt(n) and falls below 1e-8 with a probability of about 1e-8 sqrt(n). A residual below 1e-8 thus
        leaves no room for a mode that is no stiffer than the average, as modes that lose their stability are. (Ritz
        values and residual polynomials: Saad 2003, Iterative Methods for Sparse Linear Systems, sections 6.6-6.7.)

        Parameters
        ----------
        times : callable
            Product of the matrix of now with (n, 3); zero where not free.
        free : (n, 3) ndarray of bool
        """
        limit = self._usable(free)
        if limit == 0:
            return False
        # Not the load of a random displacement: it has next to no share in soft modes, the ones that buckle.
        rest = np.where(free, np.random.default_rng(0).standard_normal(free.shape), 0.0)
        z = yield rest
        now = first = float(np.vdot(rest, z))
        p = z
        for _ in range(limit):
            hp = times(p)
            curvature = float(np.vdot(p, hp))
            if not (curvature > 0.0 and now > 0.0):
                return False
            rest = rest - (now / curvature) * hp
            z = yield rest
            before, now = now, float(np.vdot(rest, z))
            self.iterations += 1
            if now <= CERTAIN**2 * first:
                return True
            p = z + (now / before) * p
        return False

    def _usable(self, free: NDArray[np.bool_]) -> int:
        """How many iterations on the factor at hand are worth while; none if it is no neighbour's."""
        if self._free is None:
            return self.shared
        if not np.array_equal(self._free, free):
            return 0
        if self.limit is not None:
            return self.limit
        worth = self.solver.worth
        limit = math.floor(SHARE * worth) if worth >= LEAST_WORTH else 0
        return max(limit, ROUGH_LIMIT) if self._is_rough else limit


def alone(asking: Asking[T], precondition: Apply) -> T:
    """Drive a solve to its end with `precondition` for every vector it hands out."""
    try:
        vector = next(asking)
        while True:
            vector = asking.send(precondition(vector))
    except StopIteration as end:
        result: T = end.value
        return result


def conjugate_gradients(
    times: Apply, right: Array, *, tolerance: float, limit: int
) -> Asking[tuple[Array | None, int]]:
    """Preconditioned conjugate gradients that give up as soon as they are not worth it.

    Hands out vectors to be multiplied by an approximate, positive definite inverse.

    Parameters
    ----------
    times : callable
        Product with the matrix.
    right : (n, 3) ndarray
    tolerance : float
        Residual norm over that of `right`.
    limit : int
        Most iterations; fewer are made if the pace shows that they will not do.

    Returns
    -------
    solution : (n, 3) ndarray or None
        None if the limit would be exceeded, or a direction of negative curvature was met. Any iterate before that is
        a descent direction of the quadratic form.
    iterations : int
    """
    goal = tolerance * float(np.linalg.norm(right))
    x = np.zeros_like(right)
    rest = right
    size = start = float(np.linalg.norm(rest))
    z = yield rest
    p = z
    now = float(np.vdot(rest, z))
    for iteration in range(1, limit + 1):
        hp = times(p)
        curvature = float(np.vdot(p, hp))
        if not curvature > 0.0:
            return None, iteration
        alpha = now / curvature
        x = x + alpha * p
        rest = rest - alpha * hp
        size = float(np.linalg.norm(rest))
        if size <= goal:
            return x, iteration
        if iteration >= JUDGED and iteration * math.log(goal / start) < LENIENT * limit * min(
            math.log(size / start), 0.0
        ):
            return None, iteration
        z = yield rest
        before, now = now, float(np.vdot(rest, z))
        p = z + (now / before) * p
    return None, limit
