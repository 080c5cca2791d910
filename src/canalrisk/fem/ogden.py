"""Ogden's law, and the conventions in which programs state its constants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from canalrisk.errors import UsageError
from canalrisk.fem.elastic import Volumetric, check

MAX_TERMS = 3


@dataclass(frozen=True)
class Ogden:
    """Ogden solid: sum 2 mu_p / alpha_p^2 (sum_i lbar_i^alpha_p - 3) + U(J), lbar_i = J^(-1/3) l_i.

    This is Abaqus' convention: the shear modulus at small strain is the sum of `mu`. Other programs write other
    factors before the same sum; `from_febio` and `from_ls_dyna` convert.

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
        check(self.shear, self.kappa)

    @property
    def terms(self) -> tuple[tuple[float, float], ...]:
        """Pairs (mu, alpha)."""
        mus, alphas = np.atleast_1d(self.mu), np.atleast_1d(self.alpha)
        return tuple((float(m), float(a)) for m, a in zip(mus, alphas, strict=False))

    @property
    def shear(self) -> float:
        """Shear modulus at small strain, MPa."""
        return sum(mu for mu, _ in self.terms)

    @property
    def constants(self) -> tuple[float, ...]:
        """What the kernel reads."""
        return tuple(value for term in self.terms for value in term)

    @classmethod
    def from_febio(
        cls,
        c: float | tuple[float, ...],
        *,
        m: float | tuple[float, ...],
        kappa: float,
        volumetric: Volumetric = "log",
    ) -> Ogden:
        """From FEBio's constants, W = sum c_p / m_p^2 (sum_i lbar_i^m_p - 3): mu_p = c_p / 2."""
        return cls(tuple(float(v) / 2.0 for v in np.atleast_1d(c)), m, kappa, volumetric)

    @classmethod
    def from_ls_dyna(
        cls,
        mu: float | tuple[float, ...],
        *,
        alpha: float | tuple[float, ...],
        kappa: float,
        volumetric: Volumetric = "log",
    ) -> Ogden:
        """From LS-DYNA's constants, W = sum mu_p / alpha_p (sum_i lbar_i^alpha_p - 3): mu_p alpha_p / 2 here."""
        pairs = zip(np.atleast_1d(mu), np.atleast_1d(alpha), strict=True)
        return cls(tuple(float(m * a) / 2.0 for m, a in pairs), alpha, kappa, volumetric)

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
