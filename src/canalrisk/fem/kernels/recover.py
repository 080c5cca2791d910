"""Response, principal stretch and mean stress at the quadrature points of a known deformation."""

from __future__ import annotations

import numpy as np

from canalrisk._jit import kernel
from canalrisk.fem.kernels.constitutive import LEFT, RESPONSE, SCRATCH, STRESS, TANGENT, left_cauchy_green
from canalrisk.fem.kernels.functions import VALUES, principal_axes
from canalrisk.fem.kernels.hex8 import determinant
from canalrisk.fem.kernels.lanes import greater, load, root, store, total
from canalrisk.fem.kernels.response import element_response, element_volumetric

__all__ = ["RESPONSE", "STRESS", "TANGENT", "recover"]


@kernel
def recover(f, weights, table, index, directions, tangent, response, jacobian, stretch, dilatation, pressure):
    """Fill response, J, greatest stretch (m, 8), v / V and mean stress (m,) from F (m, 9, 8) with J > 0.

    The response is (m, 43, 8), or (m, 7, 8) without `tangent`. Serial: half a microsecond per element, once per
    reported state; a parallel loop would double its compilation.
    """
    other, work, axes = np.empty((RESPONSE, 8)), np.empty((SCRATCH, 8)), np.empty((12, 8))
    for e in range(len(f)):
        lanes = determinant(f[e])
        store(lanes, jacobian, e)
        weight = load(weights, e)
        volume0 = total(weight)
        dilatation[e] = total(weight * lanes) / volume0
        pressure[e] = element_volumetric(table, index, weights, e, dilatation[e])[1] / volume0
        element_response(table, index, e, f[e], lanes, directions, response[e], other, work, tangent)
        left_cauchy_green(f[e], work)
        principal_axes(
            load(work, LEFT), load(work, LEFT + 1), load(work, LEFT + 2), load(work, LEFT + 3), load(work, LEFT + 4),
            load(work, LEFT + 5), axes,
        )  # fmt: skip
        most = greater(load(axes, VALUES), greater(load(axes, VALUES + 1), load(axes, VALUES + 2)))
        store(root(most), stretch, e)
