"""Hyperelastic materials: an isochoric law psi(F / J^(1/3)) plus a volumetric law U(J).

U = kappa (J^2 - 1 - 2 ln J) / 4 ("log") or kappa (J - 1)^2 / 2 ("quadratic"); the element gives it the element's mean
dilatation (Q1P0), so every law here may be nearly incompressible.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.elastic import LinearElastic, MooneyRivlin, NeoHookean
from canalrisk.fem.fibres import FibreReinforced
from canalrisk.fem.kernels import constitutive
from canalrisk.fem.ogden import MAX_TERMS, Ogden

Material = NeoHookean | Ogden | LinearElastic | MooneyRivlin | FibreReinforced

_KINDS: dict[type, int] = {
    NeoHookean: constitutive.NEO_HOOKE,
    Ogden: constitutive.OGDEN,
    LinearElastic: constitutive.OGDEN,
    MooneyRivlin: constitutive.MOONEY_RIVLIN,
    FibreReinforced: constitutive.FIBRES,
}


def material_table(materials: Sequence[Material]) -> NDArray[np.float64]:
    """One row per material as the kernels read it: kind, volumetric law, kappa, shear, terms, then constants.

    Parameters
    ----------
    materials : sequence of Material

    Returns
    -------
    (k, 11) ndarray
    """
    table = np.zeros((len(materials), constitutive.FIRST + 2 * MAX_TERMS))
    for row, material in zip(table, materials, strict=True):
        constants = material.constants
        row[constitutive.KIND] = _KINDS[type(material)]
        row[constitutive.VOLUMETRIC] = constitutive.LOG if material.volumetric == "log" else constitutive.QUADRATIC
        row[constitutive.KAPPA] = material.kappa
        row[constitutive.SHEAR] = material.shear
        row[constitutive.TERMS] = (len(constants) + 1) // 2
        row[constitutive.FIRST : constitutive.FIRST + len(constants)] = constants
    return table


def shear_moduli(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the small-strain shear modulus (k,), MPa, of each row of a material table."""
    total: NDArray[np.float64] = table[:, constitutive.SHEAR].copy()
    return total
