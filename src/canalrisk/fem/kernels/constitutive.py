"""What all isochoric laws share: the material table, the rows of a response, trace and volumetric part.

Laws are functions of F / J^(1/3) at eight quadrature points at once (lanes); the volumetric part belongs to the
element. Voigt order: xx, yy, zz, xy, yz, xz. A law writes a response (43, 8): energy, Kirchhoff stress, spatial
tangent (6 x 6).
"""

from __future__ import annotations

import numpy as np

from canalrisk._jit import part_kernel
from canalrisk.fem.kernels.lanes import load, splat, store

# Columns of the material table (see `canalrisk.fem.materials.material_table`).
KIND, VOLUMETRIC, KAPPA, SHEAR, TERMS, FIRST = 0, 1, 2, 3, 4, 5
NEO_HOOKE, OGDEN, MOONEY_RIVLIN, FIBRES = 0, 1, 2, 3
LOG, QUADRATIC = 0, 1

# Rows of a response, and of the scratch of a law, which begins with b = F F^T.
ENERGY, STRESS, TANGENT, RESPONSE = 0, 1, 7, 43
LEFT, SCRATCH = 0, 69


@part_kernel
def volumetric(row, jacobian):
    """Energy U, U' and U'' at volume ratio `jacobian` > 0 per reference volume."""
    kappa = row[KAPPA]
    e = jacobian - 1.0
    if row[VOLUMETRIC] == LOG:
        # J^2 - 1 - 2 ln J loses all digits near 1; e^2 + 2 (e - ln(1 + e)) keeps them.
        energy = 0.25 * kappa * (e * e + 2.0 * (e - np.log1p(e)))
        return energy, 0.5 * kappa * (jacobian - 1.0 / jacobian), 0.5 * kappa * (1.0 + 1.0 / (jacobian * jacobian))
    return 0.5 * kappa * e * e, kappa * e, kappa


@part_kernel
def left_cauchy_green(f, work):
    """Write b = F F^T (rows LEFT) of the deformation gradients `f` (9, 8)."""
    for k in range(6):
        i = k if k < 3 else (1 if k == 4 else 0)
        j = k if k < 3 else (1 if k == 3 else 2)
        total = load(f, 3 * i) * load(f, 3 * j)
        total = load(f, 3 * i + 1) * load(f, 3 * j + 1) + total
        store(load(f, 3 * i + 2) * load(f, 3 * j + 2) + total, work, LEFT + k)


@part_kernel
def deviate(response, tangent):
    """Take the trace off the stress rows and start the tangent with what every isochoric law shares.

    With t the fictitious stress: tau = dev t, c = 2/3 tr t (I - 1 x 1 / 3) - 2/3 (tau x 1 + 1 x tau); returns tr t.
    """
    trace = load(response, STRESS) + load(response, STRESS + 1) + load(response, STRESS + 2)
    mean = trace * (1.0 / 3.0)
    for i in range(3):
        store(load(response, STRESS + i) - mean, response, STRESS + i)
    if tangent:
        zero, iso = splat(0.0), trace * (2.0 / 3.0)
        third = iso * (1.0 / 3.0)
        for i in range(3):
            for j in range(3):
                both = load(response, STRESS + i) + load(response, STRESS + j)
                store(-third - both * (2.0 / 3.0), response, TANGENT + 6 * i + j)
                mixed = load(response, STRESS + 3 + j) * (-2.0 / 3.0)
                store(mixed, response, TANGENT + 6 * i + j + 3)
                store(mixed, response, TANGENT + 6 * (j + 3) + i)
                store(zero, response, TANGENT + 6 * (i + 3) + j + 3)
            store(load(response, TANGENT + 7 * i) + iso, response, TANGENT + 7 * i)
            store(0.5 * iso, response, TANGENT + 7 * (i + 3))
    return trace


@part_kernel
def add_outer(response, factor, work, row):
    """Add factor * h x h to the tangent, h (6, 8) at `row` of the scratch."""
    for r in range(6):
        scaled = factor * load(work, row + r)
        for s in range(6):
            k = TANGENT + 6 * r + s
            store(scaled * load(work, row + s) + load(response, k), response, k)
