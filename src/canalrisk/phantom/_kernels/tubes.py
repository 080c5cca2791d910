"""Tubes whose section, two half superellipses, changes along a sagittal curve."""

from __future__ import annotations

import math

import numpy as np

from canalrisk._jit import inline_kernel, kernel

FAR = 15.0
NEAR = 9.0


@inline_kernel
def superellipse(u, v, a, b, n):
    """Signed pseudo-distance to |u/a|^n + |v/b|^n = 1, first order exact at the curve."""
    p, q = abs(u) / a, abs(v) / b
    rho = (p**n + q**n) ** (1.0 / n)
    if rho < 1e-6:
        return -min(a, b)
    scale = rho ** (1.0 - n)
    gu = scale * p ** (n - 1.0) / a if p > 0.0 else 0.0
    gv = scale * q ** (n - 1.0) / b if q > 0.0 else 0.0
    slope = math.sqrt(gu * gu + gv * gv)
    return (rho - 1.0) / max(slope, 0.5 / max(a, b))


@kernel
def tube_field(x, offset, half_rl, half_ap, n_front, n_back, outside, out):
    """Signed pseudo-distance to a tube whose section changes along a sagittal curve.

    x (nx,) lateral mm; per sagittal pixel (ny, nz): offset v from the axis mm (anterior +), half
    diameters mm, exponents of the anterior and posterior half, and mm beyond the tube's ends
    (negative inside); out (nx, ny, nz) float32.
    """
    nx, ny, nz = out.shape
    for j in range(ny):
        for k in range(nz):
            v = offset[j, k]
            a, b = half_rl[j, k], half_ap[j, k]
            n = n_front[j, k] if v > 0.0 else n_back[j, k]
            for i in range(nx):
                # Beyond any lamina the distance to the section's rectangle will do.
                d = max(abs(x[i]) - a, abs(v) - b)
                if d < NEAR:
                    d = superellipse(x[i], v, a, b, n)
                out[i, j, k] = np.float32(min(max(d, outside[j, k]), FAR))
