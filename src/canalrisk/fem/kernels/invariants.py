"""Laws in invariants of the isochoric left Cauchy-Green tensor: neo-Hooke, Mooney-Rivlin, fibres."""

from __future__ import annotations

from canalrisk._jit import part_kernel
from canalrisk.fem.kernels.constitutive import ENERGY, FIRST, LEFT, STRESS, TANGENT, add_outer, deviate
from canalrisk.fem.kernels.functions import exponential_less_one
from canalrisk.fem.kernels.lanes import choose, load, splat, store


@part_kernel
def neo_hooke(row, shrink, response, work, tangent):
    """mu/2 (tr b - 3) with b = J^(-2/3) F F^T; `shrink` is J^(-2/3)."""
    scale = row[FIRST] * shrink
    for k in range(6):
        store(scale * load(work, LEFT + k), response, STRESS + k)
    trace = deviate(response, tangent)
    store(0.5 * trace - 1.5 * row[FIRST], response, ENERGY)


@part_kernel
def mooney_rivlin(row, shrink, response, work, tangent):
    """c10 (I1 - 3) + c01 (I2 - 3) of b = J^(-2/3) F F^T."""
    c10, c01 = row[FIRST], row[FIRST + 1]
    b0, b1, b2 = shrink * load(work, LEFT), shrink * load(work, LEFT + 1), shrink * load(work, LEFT + 2)
    b3, b4, b5 = shrink * load(work, LEFT + 3), shrink * load(work, LEFT + 4), shrink * load(work, LEFT + 5)
    first = b0 + b1 + b2
    # b^2
    q0, q1, q2 = b0 * b0 + b3 * b3 + b5 * b5, b3 * b3 + b1 * b1 + b4 * b4, b5 * b5 + b4 * b4 + b2 * b2
    q3, q4, q5 = b3 * (b0 + b1) + b5 * b4, b4 * (b1 + b2) + b3 * b5, b5 * (b0 + b2) + b3 * b4
    squares = q0 + q1 + q2
    second = 0.5 * (first * first - squares)
    store(c10 * (first - 3.0) + c01 * (second - 3.0), response, ENERGY)
    a = 2.0 * c10 + 2.0 * c01 * first
    store(a * b0 - 2.0 * c01 * q0, response, STRESS)
    store(a * b1 - 2.0 * c01 * q1, response, STRESS + 1)
    store(a * b2 - 2.0 * c01 * q2, response, STRESS + 2)
    store(a * b3 - 2.0 * c01 * q3, response, STRESS + 3)
    store(a * b4 - 2.0 * c01 * q4, response, STRESS + 4)
    store(a * b5 - 2.0 * c01 * q5, response, STRESS + 5)
    deviate(response, tangent)
    if tangent:
        # 4 c01 P (b x b - b . b) P with the deviatoric projection P.
        mean, ninth = first * (1.0 / 3.0), squares * (1.0 / 9.0)
        store(b0 - mean, work, 6)
        store(b1 - mean, work, 7)
        store(b2 - mean, work, 8)
        store(b3, work, 9)
        store(b4, work, 10)
        store(b5, work, 11)
        add_outer(response, splat(4.0 * c01), work, 6)
        store(b0, work, 12)
        store(b3, work, 13)
        store(b5, work, 14)
        store(b3, work, 15)
        store(b1, work, 16)
        store(b4, work, 17)
        store(b5, work, 18)
        store(b4, work, 19)
        store(b2, work, 20)
        store(q0, work, 21)
        store(q1, work, 22)
        store(q2, work, 23)
        store(q3, work, 24)
        store(q4, work, 25)
        store(q5, work, 26)
        for r in range(6):
            i = r if r < 3 else (1 if r == 4 else 0)
            j = r if r < 3 else (1 if r == 3 else 2)
            for s in range(6):
                k = s if s < 3 else (1 if s == 4 else 0)
                n = s if s < 3 else (1 if s == 3 else 2)
                term = load(work, 12 + 3 * i + k) * load(work, 12 + 3 * j + n)
                term = 0.5 * (load(work, 12 + 3 * i + n) * load(work, 12 + 3 * j + k) + term)
                if s < 3:
                    term = term - load(work, 21 + r) * (1.0 / 3.0)
                if r < 3:
                    term = term - load(work, 21 + s) * (1.0 / 3.0)
                if r < 3 and s < 3:
                    term = term + ninth
                at = TANGENT + 6 * r + s
                store(load(response, at) - 4.0 * c01 * term, response, at)


@part_kernel
def fibres(row, shrink, f, directions, element, response, work, tangent):
    """Neo-Hookean ground plus one dispersed family of fibres that resist extension only.

    mu/2 (I1 - 3) + k1/(2 k2) (exp(k2 E^2) - 1), E = d (I1 - 3) + (1 - 3 d) (I4 - 1), the exponential where E > 0
    (Gasser, Ogden and Holzapfel 2006, J R Soc Interface 3:15; all invariants isochoric). k2 = 0 means k1/2 E^2.
    """
    mu, k1, k2, spread = row[FIRST], row[FIRST + 1], row[FIRST + 2], row[FIRST + 3]
    p, q, r = load(directions, 3 * element), load(directions, 3 * element + 1), load(directions, 3 * element + 2)
    x = load(f, 0) * p + load(f, 1) * q + load(f, 2) * r
    y = load(f, 3) * p + load(f, 4) * q + load(f, 5) * r
    z = load(f, 6) * p + load(f, 7) * q + load(f, 8) * r
    first = shrink * (load(work, LEFT) + load(work, LEFT + 1) + load(work, LEFT + 2))
    fourth = shrink * (x * x + y * y + z * z)
    along = 1.0 - 3.0 * spread
    strain = spread * (first - 3.0) + along * (fourth - 1.0)
    strain = choose(strain, strain, splat(0.0))
    square = k2 * strain * strain
    growth = exponential_less_one(square)
    ground = 0.5 * mu * (first - 3.0)
    if k2 > 0.0:
        store(ground + (0.5 * k1 / k2) * growth, response, ENERGY)
    else:
        store(ground + 0.5 * k1 * strain * strain, response, ENERGY)
    slope = k1 * strain * (growth + 1.0)
    # h = d b + (1 - 3 d) a x a, the derivative of E; work rows 6 to 11.
    scale = spread * shrink
    pull = along * shrink
    store(scale * load(work, LEFT) + pull * x * x, work, 6)
    store(scale * load(work, LEFT + 1) + pull * y * y, work, 7)
    store(scale * load(work, LEFT + 2) + pull * z * z, work, 8)
    store(scale * load(work, LEFT + 3) + pull * x * y, work, 9)
    store(scale * load(work, LEFT + 4) + pull * y * z, work, 10)
    store(scale * load(work, LEFT + 5) + pull * x * z, work, 11)
    for k in range(6):
        store(mu * shrink * load(work, LEFT + k) + 2.0 * slope * load(work, 6 + k), response, STRESS + k)
    deviate(response, tangent)
    if tangent:
        mean = (load(work, 6) + load(work, 7) + load(work, 8)) * (1.0 / 3.0)
        for k in range(3):
            store(load(work, 6 + k) - mean, work, 6 + k)
        active = choose(strain, splat(1.0), splat(0.0))
        add_outer(response, 4.0 * k1 * active * (growth + 1.0) * (1.0 + 2.0 * square), work, 6)
