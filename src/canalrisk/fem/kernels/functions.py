"""Elementary functions and principal axes of eight lanes at once; accurate to 2 units in the last place."""

from __future__ import annotations

from canalrisk._jit import part_kernel
from canalrisk.fem.kernels.lanes import (
    choose,
    greater,
    lesser,
    load,
    lowest,
    nearest,
    scale_two,
    splat,
    split_two,
    store,
)

# ln 2 in two parts, the first with enough zero bits that its product with an exponent is exact.
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
INVERSE_LN2 = 1.4426950408889634
# Beyond, the exponential would leave the normal numbers.
LIMIT = 700.0

# Rows of the principal-axes scratch: values, then component i of vector j at AXES + 3 i + j.
VALUES, AXES = 0, 3
SWEEPS = 12
_WIDE = 3.0 + 2.0 * 2.0**0.5
_COS, _SIN = 0.9238795325112867, 0.3826834323650898


@part_kernel
def logarithm(x):
    """Natural logarithm of positive normal lanes: that of the mantissa by its area-tangent series."""
    mantissa, exponent = split_two(x)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    p = z * (1.0 / 21.0) + 1.0 / 19.0
    p = z * p + 1.0 / 17.0
    p = z * p + 1.0 / 15.0
    p = z * p + 1.0 / 13.0
    p = z * p + 1.0 / 11.0
    p = z * p + 1.0 / 9.0
    p = z * p + 1.0 / 7.0
    p = z * p + 1.0 / 5.0
    p = z * p + 1.0 / 3.0
    twice = s + s
    return exponent * LN2_HIGH + (exponent * LN2_LOW + twice * z * p + twice)


@part_kernel
def exponential_less_one(x):
    """exp(x) - 1, its relative accuracy kept through 0; lanes beyond +-700 count as +-700."""
    x = greater(lesser(x, splat(LIMIT)), splat(-LIMIT))
    k = nearest(x * INVERSE_LN2)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0
    p = r * p + 1.0 / 39916800.0
    p = r * p + 1.0 / 3628800.0
    p = r * p + 1.0 / 362880.0
    p = r * p + 1.0 / 40320.0
    p = r * p + 1.0 / 5040.0
    p = r * p + 1.0 / 720.0
    p = r * p + 1.0 / 120.0
    p = r * p + 1.0 / 24.0
    p = r * p + 1.0 / 6.0
    p = r * p + 0.5
    power = scale_two(k)
    return power * (r * r * p + r) + (power - 1.0)


@part_kernel
def rotation(low, high, mixed):
    """Cosine and sine that (nearly) remove the off-diagonal entry `mixed` of a symmetric 2 x 2 matrix.

    A rational half-angle: orthonormal to rounding whatever the angle, and cubically close to Jacobi's where the entry
    is small (McAdams, Selle, Tamstorf, Teran and Sifakis 2011, UW-Madison TR1690).
    """
    c, s = 2.0 * (high - low), mixed
    near = c * c - s * s * _WIDE
    c, s = choose(near, c, choose(c * s, splat(_COS), splat(-_COS))), choose(near, s, splat(_SIN))
    cc, ss = c * c, s * s
    scale = 1.0 / (cc + ss)
    return (cc - ss) * scale, 2.0 * c * s * scale


@part_kernel
def principal_axes(a00, a11, a22, a01, a12, a02, work):
    """Eigenvalues and orthonormal eigenvectors of symmetric tensors into `work` (12, 8), by Jacobi rotations.

    Jacobi keeps the vectors orthonormal to rounding however close the eigenvalues are.
    """
    one, zero = splat(1.0), splat(0.0)
    v00, v01, v02 = one, zero, zero
    v10, v11, v12 = zero, one, zero
    v20, v21, v22 = zero, zero, one
    for _ in range(SWEEPS):
        off = a01 * a01 + a12 * a12 + a02 * a02
        if lowest((a00 * a00 + a11 * a11 + a22 * a22) * 1e-34 - off) >= 0.0:
            break
        c, s = rotation(a00, a11, a01)
        cc, ss, cs = c * c, s * s, c * s
        a00, a11, a01 = (
            cc * a00 - 2.0 * cs * a01 + ss * a11,
            ss * a00 + 2.0 * cs * a01 + cc * a11,
            cs * (a00 - a11) + (cc - ss) * a01,
        )
        a02, a12 = c * a02 - s * a12, s * a02 + c * a12
        v00, v01 = c * v00 - s * v01, s * v00 + c * v01
        v10, v11 = c * v10 - s * v11, s * v10 + c * v11
        v20, v21 = c * v20 - s * v21, s * v20 + c * v21
        c, s = rotation(a11, a22, a12)
        cc, ss, cs = c * c, s * s, c * s
        a11, a22, a12 = (
            cc * a11 - 2.0 * cs * a12 + ss * a22,
            ss * a11 + 2.0 * cs * a12 + cc * a22,
            cs * (a11 - a22) + (cc - ss) * a12,
        )
        a01, a02 = c * a01 - s * a02, s * a01 + c * a02
        v01, v02 = c * v01 - s * v02, s * v01 + c * v02
        v11, v12 = c * v11 - s * v12, s * v11 + c * v12
        v21, v22 = c * v21 - s * v22, s * v21 + c * v22
        c, s = rotation(a00, a22, a02)
        cc, ss, cs = c * c, s * s, c * s
        a00, a22, a02 = (
            cc * a00 - 2.0 * cs * a02 + ss * a22,
            ss * a00 + 2.0 * cs * a02 + cc * a22,
            cs * (a00 - a22) + (cc - ss) * a02,
        )
        a01, a12 = c * a01 - s * a12, s * a01 + c * a12
        v00, v02 = c * v00 - s * v02, s * v00 + c * v02
        v10, v12 = c * v10 - s * v12, s * v10 + c * v12
        v20, v22 = c * v20 - s * v22, s * v20 + c * v22
    store(a00, work, VALUES)
    store(a11, work, VALUES + 1)
    store(a22, work, VALUES + 2)
    store(v00, work, AXES)
    store(v01, work, AXES + 1)
    store(v02, work, AXES + 2)
    store(v10, work, AXES + 3)
    store(v11, work, AXES + 4)
    store(v12, work, AXES + 5)
    store(v20, work, AXES + 6)
    store(v21, work, AXES + 7)
    store(v22, work, AXES + 8)


@part_kernel
def axis_products(axes, i, j, out, row):
    """Symmetrised product of principal axes i and j, its six Voigt components from vector `row` of `out` on."""
    x, y, z = load(axes, AXES + i), load(axes, AXES + 3 + i), load(axes, AXES + 6 + i)
    p, q, r = load(axes, AXES + j), load(axes, AXES + 3 + j), load(axes, AXES + 6 + j)
    store(x * p, out, row)
    store(y * q, out, row + 1)
    store(z * r, out, row + 2)
    store(0.5 * (x * q + y * p), out, row + 3)
    store(0.5 * (y * r + z * q), out, row + 4)
    store(0.5 * (x * r + z * p), out, row + 5)
