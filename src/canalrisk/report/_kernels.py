"""Compiled loops of the report: trilinear sampling, label votes, sphere tracing, and meshes to voxels."""

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


@inline_kernel
def world_value(values, inverse, x, y, z):
    """Trilinear value at one world point."""
    return trilinear(
        values,
        inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3],
        inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3],
        inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3],
    )


@kernel
def sample_points(values, inverse, points, out):
    """Trilinear values at world points (n, 3) into `out` (n,)."""
    for n in range(points.shape[0]):
        out[n] = world_value(values, inverse, points[n, 0], points[n, 1], points[n, 2])


@kernel
def unit_gradients(values, inverse, points, h, out):
    """Directions of steepest ascent at world points (n, 3) by central differences of width `h`, mm."""
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        a = world_value(values, inverse, x + h, y, z) - world_value(values, inverse, x - h, y, z)
        b = world_value(values, inverse, x, y + h, z) - world_value(values, inverse, x, y - h, z)
        c = world_value(values, inverse, x, y, z + h) - world_value(values, inverse, x, y, z - h)
        size = max(math.sqrt(a * a + b * b + c * c), 1e-6)
        out[n, 0], out[n, 1], out[n, 2] = a / size, b / size, c / size


@kernel
def clearances(values, inverse, points, normals, away, plane, out):
    """Lower `out` (n, k) to the solid's distance at `away` (k,) mm from each point along its normal.

    `plane` as in `trace_rays`.
    """
    cutting = plane[0] != 0.0 or plane[1] != 0.0 or plane[2] != 0.0
    for n in range(points.shape[0]):
        for k in range(away.shape[0]):
            x = points[n, 0] + away[k] * normals[n, 0]
            y = points[n, 1] + away[k] * normals[n, 1]
            z = points[n, 2] + away[k] * normals[n, 2]
            value = world_value(values, inverse, x, y, z)
            if cutting:
                value = max(value, plane[0] * x + plane[1] * y + plane[2] * z - plane[3])
            out[n, k] = min(out[n, k], value)


@kernel
def vote_labels(labels, inverse, points, out):
    """Label with the largest trilinear share at world points (n, 3) into `out` (n,); 0 outside the grid.

    Edges become smooth but stay where the voxels put them; nothing is relabelled.
    """
    nx, ny, nz = labels.shape
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        i = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
        j = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
        k = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
        out[n] = 0
        if i < -0.5 or j < -0.5 or k < -0.5 or i > nx - 0.5 or j > ny - 0.5 or k > nz - 0.5:
            continue
        i, j, k = min(max(i, 0.0), nx - 1.0), min(max(j, 0.0), ny - 1.0), min(max(k, 0.0), nz - 1.0)
        a, b, c = int(i), int(j), int(k)
        weight = (i - a, j - b, k - c)
        best = 0.0
        for corner in range(8):
            here = labels[
                min(a + (corner & 1), nx - 1), min(b + ((corner >> 1) & 1), ny - 1), min(c + (corner >> 2), nz - 1)
            ]
            share = 0.0
            for other in range(8):
                u, v, w = other & 1, (other >> 1) & 1, other >> 2
                if labels[min(a + u, nx - 1), min(b + v, ny - 1), min(c + w, nz - 1)] == here:
                    share += (
                        (weight[0] if u else 1.0 - weight[0])
                        * (weight[1] if v else 1.0 - weight[1])
                        * (weight[2] if w else 1.0 - weight[2])
                    )
            if share > best + 1e-12:
                best = share
                out[n] = here


@kernel
def trace_rays(values, box, inverse, origins, look, plane, depth, steps, hit):
    """March each ray until it meets the solid; lower `depth` (n,) where it does so earlier.

    `box` (2, 3) holds the lowest and highest voxel index that the solid reaches; rays march only inside.
    `plane` is (normal, offset): the solid is cut away where normal . x > offset; a zero normal cuts nothing.
    """
    cutting = plane[0] != 0.0 or plane[1] != 0.0 or plane[2] != 0.0
    for n in range(origins.shape[0]):
        near, far = 0.0, depth[n]
        for r in range(3):
            start = inverse[r, 3]
            rate = 0.0
            for c in range(3):
                start += inverse[r, c] * origins[n, c]
                rate += inverse[r, c] * look[c]
            if abs(rate) < 1e-12:
                if start < box[0, r] or start > box[1, r]:
                    far = -1.0
                continue
            t0, t1 = (box[0, r] - start) / rate, (box[1, r] - start) / rate
            near, far = max(near, min(t0, t1)), min(far, max(t0, t1))
        t = near
        for _ in range(steps):
            if t >= far or math.isinf(t):
                break
            x, y, z = origins[n, 0] + t * look[0], origins[n, 1] + t * look[1], origins[n, 2] + t * look[2]
            value = world_value(values, inverse, x, y, z)
            if cutting:
                value = max(value, plane[0] * x + plane[1] * y + plane[2] * z - plane[3])
            if value < hit:
                depth[n] = t
                break
            t += max(0.95 * value, 0.04)


@kernel
def scatter_cells(corners, values, weights, volume, filled, total):
    """Add the samples of every cell to the voxel they fall into.

    `corners` (m, 8, 3) voxel indices, `values` (m, 8, c), `weights` (k, 8) shape functions of the samples,
    `volume` (m,) of one sample; `filled` (nx, ny, nz) and `total` (nx, ny, nz, c) are added to.
    """
    nx, ny, nz = filled.shape
    for m in range(corners.shape[0]):
        for k in range(weights.shape[0]):
            x, y, z = 0.0, 0.0, 0.0
            for n in range(8):
                x += weights[k, n] * corners[m, n, 0]
                y += weights[k, n] * corners[m, n, 1]
                z += weights[k, n] * corners[m, n, 2]
            a, b, c = math.floor(x + 0.5), math.floor(y + 0.5), math.floor(z + 0.5)
            if a < 0 or b < 0 or c < 0 or a >= nx or b >= ny or c >= nz:
                continue
            filled[a, b, c] += volume[m]
            for v in range(values.shape[2]):
                share = 0.0
                for n in range(8):
                    share += weights[k, n] * values[m, n, v]
                total[a, b, c, v] += volume[m] * share
