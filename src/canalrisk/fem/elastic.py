"""Isotropic laws of one modulus or two: neo-Hookean, Mooney-Rivlin, linear."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from canalrisk.errors import UsageError

Volumetric = Literal["log", "quadratic"]


def moduli(young: float, poisson: float) -> tuple[float, float]:
    """Shear and bulk modulus of Young's modulus and Poisson's ratio; infinite where they do not exist."""
    if poisson <= -1 or poisson >= 0.5:
        return math.inf, math.inf
    return young / (2 * (1 + poisson)), young / (3 * (1 - 2 * poisson))


def check(mu: float, kappa: float) -> None:
    """Raise `UsageError` unless both moduli are positive and finite."""
    if not (mu > 0 and kappa > 0 and np.isfinite(mu) and np.isfinite(kappa)):
        raise UsageError(
            f"shear modulus {mu} and bulk modulus {kappa} MPa",
            where="materials",
            fix="give positive, finite moduli (Poisson's ratio below 0.5)",
        )


@dataclass(frozen=True)
class NeoHookean:
    """Neo-Hookean solid: mu/2 (J^(-2/3) tr C - 3) + U(J).

    Parameters
    ----------
    mu : float
        Shear modulus, MPa.
    kappa : float
        Bulk modulus, MPa.
    volumetric : {"log", "quadratic"}
        U = kappa (J^2 - 1 - 2 ln J) / 4, or kappa (J - 1)^2 / 2.
    """

    mu: float
    kappa: float
    volumetric: Volumetric = "log"

    def __post_init__(self) -> None:
        """Refuse moduli without a positive definite small-strain tangent."""
        check(self.mu, self.kappa)

    @property
    def shear(self) -> float:
        """Shear modulus at small strain, MPa."""
        return self.mu

    @property
    def constants(self) -> tuple[float, ...]:
        """What the kernel reads."""
        return (self.mu,)

    @classmethod
    def from_young(cls, young: float, *, poisson: float, volumetric: Volumetric = "log") -> NeoHookean:
        """From Young's modulus `young` (MPa) and Poisson's ratio at small strain."""
        return cls(*moduli(young, poisson), volumetric)


@dataclass(frozen=True)
class MooneyRivlin:
    """Mooney-Rivlin solid: c10 (I1bar - 3) + c01 (I2bar - 3) + U(J); shear modulus 2 (c10 + c01).

    Parameters
    ----------
    c10, c01 : float
        MPa.
    kappa : float
        Bulk modulus, MPa.
    volumetric : {"log", "quadratic"}
        As for `NeoHookean`.
    """

    c10: float
    c01: float
    kappa: float
    volumetric: Volumetric = "log"

    def __post_init__(self) -> None:
        """Refuse moduli without a positive definite small-strain tangent."""
        check(self.shear, self.kappa)

    @property
    def shear(self) -> float:
        """Shear modulus at small strain, MPa."""
        return 2.0 * (self.c10 + self.c01)

    @property
    def constants(self) -> tuple[float, ...]:
        """What the kernel reads."""
        return (self.c10, self.c01)


@dataclass(frozen=True)
class LinearElastic:
    """Linear law for finite strain: mu sum_i (ln lbar_i)^2 + U(J) (Hencky's, the limit of `Ogden` for alpha = 0).

    Hooke's law at small strain. At finite strain Kirchhoff stress is linear in logarithmic strain, so that, unlike
    St Venant-Kirchhoff, compression never softens it to nothing.

    Parameters
    ----------
    young : float
        Young's modulus, MPa.
    poisson : float
        Poisson's ratio, above -1 and below 0.5.
    volumetric : {"log", "quadratic"}
        As for `NeoHookean`.
    """

    young: float
    poisson: float
    volumetric: Volumetric = "log"

    def __post_init__(self) -> None:
        """Refuse moduli without a positive definite small-strain tangent."""
        check(self.shear, self.kappa)

    @property
    def shear(self) -> float:
        """Shear modulus, MPa."""
        return moduli(self.young, self.poisson)[0]

    @property
    def kappa(self) -> float:
        """Bulk modulus, MPa."""
        return moduli(self.young, self.poisson)[1]

    @property
    def constants(self) -> tuple[float, ...]:
        """What the kernel reads: an Ogden term of exponent 0."""
        return (self.shear, 0.0)
