"""The isochoric laws written a second time, in tensors: no principal axes, no Voigt order, complex numbers welcome.

Only sums, products and complex powers of scalars are used, so that a complex step (Squire and Trapp 1998, SIAM Rev
40:110) differentiates energy and stress to rounding.
"""

from __future__ import annotations

import numpy as np

from canalrisk.fem import FibreReinforced, LinearElastic, Material, MooneyRivlin, NeoHookean, Ogden

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))
STEP = 1e-40
TERMS = 200


def _series(b: np.ndarray) -> tuple[complex, np.ndarray]:
    """Middle s of the spectrum of `b` and x = b / s - 1, whose powers go to zero."""
    values = np.linalg.eigvalsh(b.real)
    middle = 0.5 * (values[0] + values[-1])
    return middle, b / middle - np.eye(3)


def power(b: np.ndarray, exponent: float) -> np.ndarray:
    """b^exponent by the binomial series."""
    middle, x = _series(b)
    term, total = np.eye(3, dtype=complex), np.eye(3, dtype=complex)
    for k in range(1, TERMS):
        term = term @ x * ((exponent - k + 1) / k)
        total = total + term
    return middle**exponent * total


def logarithm(b: np.ndarray) -> np.ndarray:
    """ln b by Mercator's series."""
    middle, x = _series(b)
    term, total = np.eye(3, dtype=complex), np.log(middle) * np.eye(3, dtype=complex)
    for k in range(1, TERMS):
        term = term @ x
        total = total - (-1) ** k / k * term
    return total


def dev(t: np.ndarray) -> np.ndarray:
    return t - np.trace(t) / 3 * np.eye(3)


def energy(law: Material, f: np.ndarray, fibre: np.ndarray) -> complex:
    """Isochoric energy per reference volume."""
    b = f @ f.T
    j = np.linalg.det(f)
    unit = j ** (-2 / 3) * b
    first = np.trace(unit)
    if isinstance(law, NeoHookean):
        return law.mu / 2 * (first - 3)
    if isinstance(law, MooneyRivlin):
        return law.c10 * (first - 3) + law.c01 * ((first**2 - np.trace(unit @ unit)) / 2 - 3)
    if isinstance(law, Ogden):
        return sum(2 * m / a**2 * (j ** (-a / 3) * np.trace(power(b, a / 2)) - 3) for m, a in law.terms)
    if isinstance(law, LinearElastic):
        strain = dev(logarithm(b) / 2)
        return law.shear * np.trace(strain @ strain)
    assert isinstance(law, FibreReinforced)
    e = _fibre_strain(law, f, fibre)
    bend = np.exp(law.k2 * e * e) - 1 if law.k2 else 0
    fibres = law.k1 / 2 * e * e if law.k2 == 0 else law.k1 / (2 * law.k2) * bend
    return law.mu / 2 * (first - 3) + (fibres if e.real > 0 else 0)


def _fibre_strain(law: FibreReinforced, f: np.ndarray, fibre: np.ndarray) -> complex:
    shrink = np.linalg.det(f) ** (-2 / 3)
    d = law.dispersion
    return d * (shrink * np.sum(f * f) - 3) + (1 - 3 * d) * (shrink * np.sum((f @ fibre) ** 2) - 1)


def kirchhoff(law: Material, f: np.ndarray, fibre: np.ndarray) -> np.ndarray:
    """Isochoric Kirchhoff stress."""
    b = f @ f.T
    j = np.linalg.det(f)
    unit = j ** (-2 / 3) * b
    if isinstance(law, NeoHookean):
        return law.mu * dev(unit)
    if isinstance(law, MooneyRivlin):
        return dev(2 * law.c10 * unit + 2 * law.c01 * (np.trace(unit) * unit - unit @ unit))
    if isinstance(law, Ogden):
        return dev(sum(2 * m / a * j ** (-a / 3) * power(b, a / 2) for m, a in law.terms))
    if isinstance(law, LinearElastic):
        return law.shear * dev(logarithm(b))
    assert isinstance(law, FibreReinforced)
    e = _fibre_strain(law, f, fibre)
    along = f @ fibre
    change = law.dispersion * unit + (1 - 3 * law.dispersion) * j ** (-2 / 3) * np.outer(along, along)
    pull = law.k1 * e * np.exp(law.k2 * e * e) if e.real > 0 else 0
    return dev(law.mu * unit + 2 * pull * change)


def response(law: Material, f: np.ndarray, fibre: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Energy, stress (6,), and by complex steps along six strain rates the work (6,) and the spatial tangent (6, 6)."""
    stress = kirchhoff(law, f, fibre)
    work, tangent = np.empty(6), np.empty((6, 6))
    for column, (i, k) in enumerate(PAIRS):
        # A shear strain rate of engineering size 1: the column that the element multiplies.
        rate = np.zeros((3, 3))
        rate[i, k] += 0.5
        rate[k, i] += 0.5
        moved = (np.eye(3) + 1j * STEP * rate) @ f
        work[column] = energy(law, moved, fibre).imag / STEP
        lie = kirchhoff(law, moved, fibre).imag / STEP - rate @ stress.real - stress.real @ rate
        tangent[:, column] = [lie[p] for p in PAIRS]
    return energy(law, f, fibre).real, np.array([stress.real[p] for p in PAIRS]), work, tangent
