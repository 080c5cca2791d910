"""First Piola stress of every stored energy, written a second time: tensors only, complex numbers too.

Nothing here is shared with the kernels: no principal axes, no Voigt order, no spatial tensors. Functions accept a
complex deformation gradient, so that a complex step differentiates them to rounding (Squire and Trapp 1998, SIAM
Rev 40:110); powers and logarithms of C are series, which complex numbers pass through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem import FibreReinforced, LinearElastic, Material, MooneyRivlin, NeoHookean, Ogden

Tensor = NDArray[Any]

STEP = 1e-30
TERMS = 200
FIBRE = np.array([2.0, -1.0, 2.0]) / 3.0
"""Direction of fibres in every problem that does not say otherwise."""


def piola(law: Material, f: Tensor, fibre: Tensor = FIBRE) -> Tensor:
    """First Piola stress (..., 3, 3), MPa, at deformation gradients `f` (..., 3, 3), real or complex."""
    jacobian = np.linalg.det(f)[..., None, None]
    inverse = np.swapaxes(np.linalg.inv(f), -1, -2)
    if law.volumetric == "log":
        pressure = 0.5 * law.kappa * (jacobian - 1.0 / jacobian)
    else:
        pressure = law.kappa * (jacobian - 1.0)
    total: Tensor = _isochoric(law, f, jacobian, inverse, fibre) + pressure * jacobian * inverse
    return total


def _isochoric(law: Material, f: Tensor, jacobian: Tensor, inverse: Tensor, fibre: Tensor) -> Tensor:
    right = np.swapaxes(f, -1, -2) @ f
    shrink = jacobian ** (-2.0 / 3.0)
    first = _trace(right)
    # Derivative of the isochoric first invariant.
    spread = 2.0 * shrink * (f - first / 3.0 * inverse)
    if isinstance(law, NeoHookean):
        ground: Tensor = 0.5 * law.mu * spread
        return ground
    if isinstance(law, MooneyRivlin):
        second = 0.5 * (first**2 - _trace(right @ right))
        turn = 2.0 * shrink**2 * (first * f - f @ right - 2.0 / 3.0 * second * inverse)
        both: Tensor = law.c10 * spread + law.c01 * turn
        return both
    if isinstance(law, LinearElastic):
        strain = 0.5 * _logarithm(right)
        deviator = strain - _trace(strain) / 3.0 * np.eye(3)
        stress: Tensor = 2.0 * law.shear * inverse @ deviator
        return stress
    if isinstance(law, Ogden):
        terms: Tensor = sum((_ogden_term(mu, alpha, f, jacobian, inverse, right) for mu, alpha in law.terms), 0.0 * f)
        return terms
    along = f @ fibre
    square = np.sum(along * along, axis=-1)[..., None, None]
    d = law.dispersion
    strain = d * (shrink * first - 3.0) + (1.0 - 3.0 * d) * (shrink * square - 1.0)
    slope = 2.0 * shrink * (along[..., :, None] * fibre - square / 3.0 * inverse)
    pull = np.where(strain.real > 0.0, law.k1 * strain * np.exp(law.k2 * strain**2), 0.0)
    reinforced: Tensor = 0.5 * law.mu * spread + pull * (d * spread + (1.0 - 3.0 * d) * slope)
    return reinforced


def _ogden_term(mu: float, alpha: float, f: Tensor, jacobian: Tensor, inverse: Tensor, right: Tensor) -> Tensor:
    """Differentiate 2 mu / alpha^2 J^(-alpha / 3) tr C^(alpha / 2) with respect to F."""
    power = _power(right, 0.5 * alpha)
    before = _power(right, 0.5 * alpha - 1.0)
    stress: Tensor = 2.0 * mu / alpha * jacobian ** (-alpha / 3.0) * (f @ before - _trace(power) / 3.0 * inverse)
    return stress


def _trace(a: Tensor) -> Tensor:
    total: Tensor = np.trace(a, axis1=-2, axis2=-1)[..., None, None]
    return total


def _middle(c: Tensor) -> tuple[Tensor, Tensor]:
    """Middle s of the spectrum of `c`, and c / s - 1, whose powers go to zero."""
    values = np.linalg.eigvalsh(c.real)
    middle = 0.5 * (values[..., 0] + values[..., -1])[..., None, None]
    return middle, c / middle - np.eye(3)


def _power(c: Tensor, exponent: float) -> Tensor:
    """Power of `c`: exact for integers, else by the binomial series."""
    if exponent == round(exponent):
        return np.linalg.matrix_power(c, round(exponent))
    middle, x = _middle(c)
    term = np.broadcast_to(np.eye(3, dtype=c.dtype), c.shape)
    total = term
    for k in range(1, TERMS):
        term = term @ x * ((exponent - k + 1.0) / k)
        total = total + term
    scaled: Tensor = middle**exponent * total
    return scaled


def _logarithm(c: Tensor) -> Tensor:
    """Logarithm of `c` by Mercator's series."""
    middle, x = _middle(c)
    term = np.broadcast_to(np.eye(3, dtype=c.dtype), c.shape)
    total = np.log(middle) * np.eye(3)
    for k in range(1, TERMS):
        term = term @ x
        total = total - (-1.0) ** k / k * term
    return total


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


MATERIALS: dict[str, Material] = {
    "neo-Hookean": NeoHookean.from_young(1.0, poisson=0.45),
    "neo-Hookean-quadratic": NeoHookean.from_young(1.0, poisson=0.49, volumetric="quadratic"),
    "Mooney-Rivlin": MooneyRivlin(0.1, 0.06, 5.0),
    "Ogden-white-matter": Ogden.from_poisson(4.0e-3, alpha=12.5, poisson=0.49),
    "Ogden-3-terms": Ogden((0.3, 0.2, -0.05), (1.3, 5.0, -2.0), 9.0, "quadratic"),
    "linear-elastic": LinearElastic(1.0, 0.45),
    "fibres": FibreReinforced(0.3, 9.0, 0.5, 2.0, 0.1),
}
"""One of each kind."""
