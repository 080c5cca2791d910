"""The incompressible limit of nearly incompressible solutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from canalrisk.fem import Load, Model, Settings, State, System, prepare
from canalrisk.verify.core import TIGHT, Array, solved

# Bulk moduli over the shear modulus: Poisson's ratios 0.4998 and 0.4999.
BULK = (2500.0, 5000.0)


def incompressible(
    make: Callable[[float], Model],
    loads: Sequence[Load],
    *,
    read: Callable[[System, State], Array],
    shear: float,
    settings: Settings = TIGHT,
) -> Array:
    """Extrapolate numbers of the last load to infinite bulk modulus.

    The error of a nearly incompressible solution is linear in shear over bulk modulus; with 1 / 2500 and 1 / 5000 what
    is left is of the order of 1e-7.

    Parameters
    ----------
    make : callable
        Model for a bulk modulus, MPa; equal but for the material.
    loads : sequence of Load
    read : callable
        Numbers of interest of a state.
    shear : float
        Shear modulus, MPa.
    settings : Settings

    Returns
    -------
    ndarray
    """
    model = make(BULK[0] * shear)
    system = prepare(model)
    near = solved(system, list(loads), settings=settings)[-1]
    first = read(system, near)
    system.set_materials(make(BULK[1] * shear))
    nearer = solved(system, [loads[-1]], settings=settings, start=near, origin=loads[-1])[-1]
    return 2.0 * read(system, nearer) - first


def relative(got: Array, expected: Array, weights: Array) -> float:
    """Weighted L2 norm of a difference over that of the expected field."""
    return float(np.sqrt(np.sum(weights * (got - expected) ** 2) / np.sum(weights * expected**2)))
