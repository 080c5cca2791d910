"""Hyperelastic materials: an isochoric law psi(F / J^(1/3)) plus a volumetric law U(J)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.fem.kernels import constitutive

Volumetric = Literal["log", "quadratic"]
MAX_TERMS = 3


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
        _check(self.mu, self.kappa)

    @classmethod
    def from_young(cls, young: float, *, poisson: float, volumetric: Volumetric = "log") -> NeoHookean:
        """From Young's modulus `young` (MPa) and Poisson's ratio at small strain."""
        return cls(young / (2 * (1 + poisson)), young / (3 * (1 - 2 * poisson)), volumetric)


@dataclass(frozen=True)
class Ogden:
    """Ogden solid: sum 2 mu_p / alpha_p^2 (sum_i lbar_i^alpha_p - 3) + U(J), lbar_i = J^(-1/3) l_i.

    This is Abaqus' convention: the shear modulus at small strain is the sum of `mu`. LS-DYNA writes mu_p / alpha_p
    instead; convert with ``mu_abaqus = mu_dyna * alpha / 2``.

    Parameters
    ----------
    mu : float or tuple of float
        Moduli, MPa, up to three terms.
    alpha : float or tuple of float
        Exponents, as many; not 0.
    kappa : float
        Bulk modulus, MPa.
    volumetric : {"log", "quadratic"}
        As for `NeoHookean`.
    """

    mu: float | tuple[float, ...]
    alpha: float | tuple[float, ...]
    kappa: float
    volumetric: Volumetric = "log"

    def __post_init__(self) -> None:
        """Refuse impossible constants."""
        terms = self.terms
        if not 1 <= len(terms) <= MAX_TERMS or np.size(self.mu) != np.size(self.alpha):
            raise UsageError(
                f"Ogden with {np.size(self.mu)} mu and {np.size(self.alpha)} alpha",
                where="materials",
                fix=f"give one to {MAX_TERMS} of each",
            )
        if any(alpha == 0 for _, alpha in terms):
            raise UsageError("Ogden exponent 0", where="materials", fix="give exponents that are not 0")
        _check(self.shear, self.kappa)

    @property
    def terms(self) -> tuple[tuple[float, float], ...]:
        """Pairs (mu, alpha)."""
        mus, alphas = np.atleast_1d(self.mu), np.atleast_1d(self.alpha)
        return tuple((float(m), float(a)) for m, a in zip(mus, alphas, strict=False))

    @property
    def shear(self) -> float:
        """Shear modulus at small strain, MPa."""
        return sum(mu for mu, _ in self.terms)

    @classmethod
    def from_poisson(
        cls,
        mu: float | tuple[float, ...],
        *,
        alpha: float | tuple[float, ...],
        poisson: float,
        volumetric: Volumetric = "log",
    ) -> Ogden:
        """With the bulk modulus that gives Poisson's ratio `poisson` at small strain."""
        shear = float(np.sum(mu))
        return cls(mu, alpha, 2 * shear * (1 + poisson) / (3 * (1 - 2 * poisson)), volumetric)


Material = NeoHookean | Ogden


def _check(mu: float, kappa: float) -> None:
    if not (mu > 0 and kappa > 0 and np.isfinite(mu) and np.isfinite(kappa)):
        raise UsageError(
            f"shear modulus {mu} and bulk modulus {kappa} MPa",
            where="materials",
            fix="give positive, finite moduli (Poisson's ratio below 0.5)",
        )


def material_table(materials: Sequence[Material]) -> NDArray[np.float64]:
    """One row per material as the kernels read it: kind, volumetric law, kappa, terms, then mu, alpha pairs.

    Parameters
    ----------
    materials : sequence of NeoHookean or Ogden

    Returns
    -------
    (k, 10) ndarray
    """
    table = np.zeros((len(materials), constitutive.FIRST + 2 * MAX_TERMS))
    for row, material in zip(table, materials, strict=True):
        row[constitutive.VOLUMETRIC] = constitutive.LOG if material.volumetric == "log" else constitutive.QUADRATIC
        row[constitutive.KAPPA] = material.kappa
        if isinstance(material, NeoHookean):
            row[constitutive.KIND], row[constitutive.TERMS] = constitutive.NEO_HOOKE, 1
            row[constitutive.FIRST] = material.mu
        else:
            row[constitutive.KIND], row[constitutive.TERMS] = constitutive.OGDEN, len(material.terms)
            row[constitutive.FIRST : constitutive.FIRST + 2 * len(material.terms)] = np.ravel(material.terms)
    return table


def shear_moduli(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the small-strain shear modulus (k,), MPa, of each row of a material table."""
    total: NDArray[np.float64] = table[:, constitutive.FIRST :: 2].sum(axis=1)
    return total
