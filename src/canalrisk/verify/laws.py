"""Closed forms of the stored energies' first Piola stress, written a second time: tensors only, complex numbers too.

Nothing here is shared with the kernels: no principal axes, no Voigt order, no spatial tensors. Functions accept a
complex deformation gradient, so that a complex step differentiates them to rounding (Squire and Trapp 1998, SIAM
Rev 40:110).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem import Material, NeoHookean, Ogden

Tensor = NDArray[Any]

STEP = 1e-30


def piola(law: Material, f: Tensor) -> Tensor:
    """First Piola stress (..., 3, 3), MPa, at deformation gradients `f` (..., 3, 3), real or complex.

    Ogden exponents must be even integers here: then sums of powers of stretches are traces of powers of C.
    """
    jacobian = np.linalg.det(f)[..., None, None]
    inverse = np.swapaxes(np.linalg.inv(f), -1, -2)
    if law.volumetric == "log":
        pressure = 0.5 * law.kappa * (jacobian - 1.0 / jacobian)
    else:
        pressure = law.kappa * (jacobian - 1.0)
    total: Tensor = _isochoric(law, f, jacobian, inverse) + pressure * jacobian * inverse
    return total


def _isochoric(law: Material, f: Tensor, jacobian: Tensor, inverse: Tensor) -> Tensor:
    right = np.swapaxes(f, -1, -2) @ f
    if isinstance(law, NeoHookean):
        return _power(law.mu, 2, f, jacobian, inverse, right)
    if not isinstance(law, Ogden):
        raise TypeError(f"no closed form of {type(law).__name__} here")
    total: Tensor = sum((_power(mu, alpha, f, jacobian, inverse, right) for mu, alpha in law.terms), 0.0 * f)
    return total


def _power(mu: float, alpha: float, f: Tensor, jacobian: Tensor, inverse: Tensor, right: Tensor) -> Tensor:
    """Differentiate 2 mu / alpha^2 J^(-alpha / 3) tr C^(alpha / 2) with respect to F."""
    half = round(alpha / 2)
    if 2 * half != alpha:
        raise ValueError("this closed form takes even Ogden exponents only")
    power = np.linalg.matrix_power(right, half)
    before = np.linalg.matrix_power(right, half - 1)
    trace = np.trace(power, axis1=-2, axis2=-1)[..., None, None]
    stress: Tensor = 2.0 * mu / alpha * jacobian ** (-alpha / 3.0) * (f @ before - trace / 3.0 * inverse)
    return stress


def directional(law: Material, f: Tensor, rate: Tensor) -> Tensor:
    """Differentiate the first Piola stress along `rate` (..., 3, 3) by a complex step."""
    derivative: Tensor = piola(law, f + 1j * STEP * rate).imag / STEP
    return derivative


def gradient(deformation: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Deformation gradient (..., 3, 3) of `deformation` at `points` (..., 3) by complex steps; real points only."""
    columns = []
    for axis in range(3):
        step = np.zeros(3, complex)
        step[axis] = 1j * STEP
        columns.append(deformation(points + step).imag / STEP)
    return np.stack(columns, axis=-1)


MATERIALS: dict[str, NeoHookean | Ogden] = {
    "neo-Hookean, log": NeoHookean.from_young(1.0, poisson=0.45),
    "neo-Hookean, quadratic": NeoHookean.from_young(1.0, poisson=0.49, volumetric="quadratic"),
    "Ogden 1": Ogden.from_poisson(0.3, alpha=4.0, poisson=0.45),
    "Ogden 3": Ogden.from_poisson((0.3, 0.2, -0.05), alpha=(2.0, 4.0, -2.0), poisson=0.49, volumetric="quadratic"),
}
"""One of each kind, with constants for which the closed form above is exact."""
