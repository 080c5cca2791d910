"""Compiled loops of the pictures: trilinear sampling and sphere tracing."""

from __future__ import annotations

import math

from canalrisk._jit import inline_kernel, kernel


@inline_kernel
def trilinear(values, x, y, z):
    """Value at fractional voxel indices; constant beyond the edge."""
    nx, ny, nz = values.shape
    x = min(max(x, 0.0), nx - 1.0)
    y = min(max(y, 0.0), ny - 1.0)
    z = min(max(z, 0.0), nz - 1.0)
    i, j, k = min(int(x), max(nx - 2, 0)), min(int(y), max(ny - 2, 0)), min(int(z), max(nz - 2, 0))
    a, b, c = min(i + 1, nx - 1), min(j + 1, ny - 1), min(k + 1, nz - 1)
    u, v, w = x - i, y - j, z - k
    p = (values[i, j, k] * (1 - u) + values[a, j, k] * u) * (1 - v)
    p += (values[i, b, k] * (1 - u) + values[a, b, k] * u) * v
    q = (values[i, j, c] * (1 - u) + values[a, j, c] * u) * (1 - v)
    q += (values[i, b, c] * (1 - u) + values[a, b, c] * u) * v
    return p * (1 - w) + q * w


@kernel
def sample_points(values, inverse, points, out):
    """Trilinear values at world points (n, 3) into `out` (n,)."""
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        out[n] = trilinear(
            values,
            inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3],
            inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3],
            inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3],
        )


@kernel
def trace_rays(values, inverse, origins, look, plane, depth, steps, hit):
    """March each ray until it meets the solid; lower `depth` (n,) where it does so earlier.

    `plane` is (normal, offset): the solid is cut away where normal . x > offset; a zero normal cuts nothing.
    """
    nx, ny, nz = values.shape
    cutting = plane[0] != 0.0 or plane[1] != 0.0 or plane[2] != 0.0
    size = (nx - 1.0, ny - 1.0, nz - 1.0)
    for n in range(origins.shape[0]):
        near, far = 0.0, depth[n]
        for r in range(3):
            start = inverse[r, 3]
            rate = 0.0
            for c in range(3):
                start += inverse[r, c] * origins[n, c]
                rate += inverse[r, c] * look[c]
            if abs(rate) < 1e-12:
                if start < 0.0 or start > size[r]:
                    far = -1.0
                continue
            t0, t1 = -start / rate, (size[r] - start) / rate
            near, far = max(near, min(t0, t1)), min(far, max(t0, t1))
        t = near
        for _ in range(steps):
            if t >= far or math.isinf(t):
                break
            x, y, z = origins[n, 0] + t * look[0], origins[n, 1] + t * look[1], origins[n, 2] + t * look[2]
            value = trilinear(
                values,
                inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3],
                inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3],
                inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3],
            )
            if cutting:
                value = max(value, plane[0] * x + plane[1] * y + plane[2] * z - plane[3])
            if value < hit:
                depth[n] = t
                break
            t += max(0.95 * value, 0.04)
