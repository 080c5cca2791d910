"""Stress, strain and dilatation at the quadrature points of a converged state."""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import kernel, pkernel
from canalrisk.fem.kernels.constitutive import eigen3, isochoric, volumetric
from canalrisk.fem.kernels.hex8 import CHUNKS, spatial_gradients


@kernel
def _recover(
    first, last, u, cells, gradients, weights, table, index, tangent, f, jacobian, dilatation, pressure, cauchy, stretch
):
    spatial, tau, c, work = np.empty((3, 8)), np.empty(6), np.empty((6, 6)), np.empty((10, 6))
    b = np.empty((8, 6))
    for e in range(first, last):
        volume0 = volume = 0.0
        for q in range(8):
            jacobian[e, q] = spatial_gradients(u, cells[e], gradients[e, q], spatial, b[q], f[e, q])
            volume0 += weights[e, q]
            volume += weights[e, q] * jacobian[e, q]
        dilatation[e] = volume / volume0
        mean = 0.0
        for q in range(8):
            mean += weights[e, q] * volumetric(table[index[e, q]], dilatation[e])[1]
        pressure[e] = mean / volume0
        for q in range(8):
            j = jacobian[e, q]
            isochoric(table[index[e, q]], b[q], j, tau, c, tangent, work)
            for i in range(6):
                cauchy[e, q, i] = tau[i] / j
            for i in range(3):
                cauchy[e, q, i] += pressure[e]
            eigen3(b[q], work[0], work[1:4])
            stretch[e, q] = np.sqrt(max(work[0, 0], work[0, 1], work[0, 2]))


@pkernel
def recover(u, cells, gradients, weights, table, index, tangent, f, jacobian, dilatation, pressure, cauchy, stretch):
    """Fill F (m, 8, 3, 3), J (m, 8), v / V (m,), mean stress (m,), Cauchy (m, 8, 6), greatest stretch (m, 8).

    `tangent` is False: an argument, so that the constitutive kernels are compiled once only.
    """
    m = len(cells)
    for chunk in prange(CHUNKS):
        _recover(
            chunk * m // CHUNKS, (chunk + 1) * m // CHUNKS, u, cells, gradients, weights, table, index, tangent, f,
            jacobian, dilatation, pressure, cauchy, stretch,
        )  # fmt: skip
