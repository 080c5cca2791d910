"""Ogden's law in principal stretches. Constants follow Abaqus: W = sum 2 mu / alpha^2 (sum l^alpha - 3)."""

from __future__ import annotations

from canalrisk._jit import part_kernel
from canalrisk.fem.kernels.constitutive import ENERGY, FIRST, LEFT, STRESS, TANGENT, TERMS
from canalrisk.fem.kernels.functions import VALUES, axis_products, exponential_less_one, logarithm, principal_axes
from canalrisk.fem.kernels.lanes import load, splat, store

# Rows of the scratch: principal axes, log stretches, stresses, d (00 11 22 01 12 02), g (01 12 02), six bases.
_EIGEN, _LOG, _PRINCIPAL, _DIRECT, _SHEARS, _BASIS = 6, 18, 21, 24, 30, 33
# Nudges a zero difference of log stretches; what is not zero is far above.
_NUDGE = 1e-200


@part_kernel
def _pair(k):
    """Principal pair k: 01, 12, 02."""
    return (0 if k != 1 else 1), (1 if k == 0 else 2)


@part_kernel
def ogden(row, response, work, tangent):
    """Ogden of up to three terms in principal stretches; an exponent 0 is its limit mu (ln l)^2 (Hencky).

    The shear moduli in principal axes are differences of stresses over differences of stretches. Both are written as
    (exp(y) - 1) / y of the difference of log stretches, so that equal stretches lose no digits.
    """
    axes = work[_EIGEN:]
    principal_axes(
        load(work, LEFT), load(work, LEFT + 1), load(work, LEFT + 2), load(work, LEFT + 3), load(work, LEFT + 4),
        load(work, LEFT + 5), axes,
    )  # fmt: skip
    zero = splat(0.0)
    mean = zero
    for i in range(3):
        stretch = 0.5 * logarithm(load(axes, VALUES + i))
        store(stretch, work, _LOG + i)
        mean = mean + stretch * (1.0 / 3.0)
    for i in range(3):
        store(load(work, _LOG + i) - mean, work, _LOG + i)
    for i in range(_PRINCIPAL, _BASIS):
        store(zero, work, i)
    energy = zero
    for term in range(int(row[TERMS])):
        mu, alpha = row[FIRST + 2 * term], row[FIRST + 1 + 2 * term]
        third = zero
        for i in range(3):
            s = load(work, _LOG + i)
            if alpha == 0.0:
                grown = s
                energy = energy + mu * s * s
            else:
                grown = exponential_less_one(alpha * s) * (1.0 / alpha)
                energy = energy + (2.0 * mu / alpha) * grown
            store(grown, work, _BASIS + i)
            third = third + grown * (1.0 / 3.0)
        for i in range(3):
            push = (2.0 * mu) * (load(work, _BASIS + i) - third)
            store(load(work, _PRINCIPAL + i) + push, work, _PRINCIPAL + i)
        if tangent:
            ninth = (1.0 / 3.0) + third * (alpha / 3.0)
            for i in range(3):
                power = 1.0 + alpha * load(work, _BASIS + i)
                j, k = _pair(i)
                pair = (2.0 + alpha * (load(work, _BASIS + j) + load(work, _BASIS + k))) * (1.0 / 3.0)
                direct = load(work, _DIRECT + i) + (2.0 * mu) * (power * (1.0 / 3.0) + ninth)
                store(direct, work, _DIRECT + i)
                mixed = load(work, _DIRECT + 3 + i) + (2.0 * mu) * (ninth - pair)
                store(mixed, work, _DIRECT + 3 + i)
                # tau_j - tau_k over l_j^2 - l_k^2, times l_k^2.
                x = load(work, _LOG + j) - load(work, _LOG + k) + _NUDGE
                ratio = mu * 2.0 * x / exponential_less_one(2.0 * x)
                if alpha != 0.0:
                    ratio = ratio * exponential_less_one(alpha * x) / (alpha * x)
                    ratio = ratio * (1.0 + alpha * load(work, _BASIS + k))
                store(load(work, _SHEARS + i) + ratio, work, _SHEARS + i)
    store(energy, response, ENERGY)
    _from_principal(response, work, axes, tangent)


@part_kernel
def _from_principal(response, work, axes, tangent):
    """Turn principal stresses and moduli into the axes of the mesh."""
    t0, t1, t2 = load(work, _PRINCIPAL), load(work, _PRINCIPAL + 1), load(work, _PRINCIPAL + 2)
    for i in range(3):
        axis_products(axes, i, i, work, _BASIS + 6 * i)
    for k in range(6):
        m0, m1, m2 = load(work, _BASIS + k), load(work, _BASIS + 6 + k), load(work, _BASIS + 12 + k)
        store(t0 * m0 + t1 * m1 + t2 * m2, response, STRESS + k)
    if not tangent:
        return
    for i in range(3):
        j, k = _pair(i)
        axis_products(axes, j, k, work, _BASIS + 18 + 6 * i)
    d00 = load(work, _DIRECT) - 2.0 * t0
    d11 = load(work, _DIRECT + 1) - 2.0 * t1
    d22 = load(work, _DIRECT + 2) - 2.0 * t2
    d01, d12, d02 = load(work, _DIRECT + 3), load(work, _DIRECT + 4), load(work, _DIRECT + 5)
    # A symmetric shear mode counts twice (jk and kj), each half: 4 g (sym) (sym).
    g01 = 4.0 * (load(work, _SHEARS) - t1)
    g12 = 4.0 * (load(work, _SHEARS + 1) - t2)
    g02 = 4.0 * (load(work, _SHEARS + 2) - t2)
    for r in range(6):
        a0, a1, a2 = load(work, _BASIS + r), load(work, _BASIS + 6 + r), load(work, _BASIS + 12 + r)
        s0 = g01 * load(work, _BASIS + 18 + r)
        s1 = g12 * load(work, _BASIS + 24 + r)
        s2 = g02 * load(work, _BASIS + 30 + r)
        r0 = d00 * a0 + d01 * a1 + d02 * a2
        r1 = d01 * a0 + d11 * a1 + d12 * a2
        r2 = d02 * a0 + d12 * a1 + d22 * a2
        for s in range(r, 6):
            c = r0 * load(work, _BASIS + s) + r1 * load(work, _BASIS + 6 + s)
            c = r2 * load(work, _BASIS + 12 + s) + c
            c = s0 * load(work, _BASIS + 18 + s) + c
            c = s1 * load(work, _BASIS + 24 + s) + c
            c = s2 * load(work, _BASIS + 30 + s) + c
            store(c, response, TANGENT + 6 * r + s)
            store(c, response, TANGENT + 6 * s + r)
