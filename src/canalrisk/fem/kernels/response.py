"""Isochoric and volumetric response of the eight points of an element, whatever their materials."""

from __future__ import annotations

from canalrisk._jit import part_kernel
from canalrisk.fem.kernels.constitutive import (
    KIND,
    MOONEY_RIVLIN,
    NEO_HOOKE,
    OGDEN,
    RESPONSE,
    TANGENT,
    left_cauchy_green,
    volumetric,
)
from canalrisk.fem.kernels.functions import exponential_less_one, logarithm
from canalrisk.fem.kernels.invariants import fibres, mooney_rivlin, neo_hooke
from canalrisk.fem.kernels.principal import ogden


@part_kernel
def respond(row, f, jacobian, directions, element, response, work, tangent):
    """Write the isochoric response of one material at eight points; `f` (9, 8), J as lanes.

    `directions` (m, 3, 8) holds the fibres of all elements, `element` says which to read. `work` (69, 8) is scratch.
    """
    left_cauchy_green(f, work)
    if row[KIND] == OGDEN:
        ogden(row, response, work, tangent)
        return
    shrink = 1.0 + exponential_less_one(logarithm(jacobian) * (-2.0 / 3.0))
    if row[KIND] == NEO_HOOKE:
        neo_hooke(row, shrink, response, work, tangent)
    elif row[KIND] == MOONEY_RIVLIN:
        mooney_rivlin(row, shrink, response, work, tangent)
    else:
        fibres(row, shrink, f, directions, element, response, work, tangent)


@part_kernel
def element_response(table, index, e, f, jacobian, directions, response, other, work, tangent):
    """Isochoric response of all points of element `e`, whose materials may differ from point to point."""
    for q in range(8):
        known = False
        for p in range(q):
            known = known or index[e, p] == index[e, q]
        if known:
            continue
        out = response if q == 0 else other
        respond(table[index[e, q]], f, jacobian, directions, e, out, work, tangent)
        if q > 0:
            for p in range(q, 8):
                if index[e, p] == index[e, q]:
                    for r in range(RESPONSE if tangent else TANGENT):
                        response[r, p] = other[r, p]


@part_kernel
def element_volumetric(table, index, weights, e, ratio):
    """Sum w U, w U', w U'' over the points of element `e` at its volume ratio."""
    energy = slope = curvature = 0.0
    q = 0
    while q < 8:
        # A run of points of one material is evaluated once.
        w, first = weights[e, q], index[e, q]
        q += 1
        while q < 8 and index[e, q] == first:
            w += weights[e, q]
            q += 1
        u0, u1, u2 = volumetric(table[first], ratio)
        energy += w * u0
        slope += w * u1
        curvature += w * u2
    return energy, slope, curvature
