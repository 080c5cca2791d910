"""What a mass is grown from: unions of balls, blended lobes, and the flood that keeps it in one piece."""

from __future__ import annotations

import math

import numpy as np

from canalrisk._jit import kernel


@kernel
def balls(points, radii, origin, step, out):
    """Least signed distance to balls, written into `out` (nx, ny, nz) float32 within 1.5 voxels of them.

    points (n, 3), radii (n,), origin (3,), step: mm. `out` is only ever lowered.
    """
    nx, ny, nz = out.shape
    for m in range(points.shape[0]):
        reach = radii[m] + 1.5 * step
        i0 = max(math.ceil((points[m, 0] - reach - origin[0]) / step), 0)
        i1 = min(math.floor((points[m, 0] + reach - origin[0]) / step), nx - 1)
        j0 = max(math.ceil((points[m, 1] - reach - origin[1]) / step), 0)
        j1 = min(math.floor((points[m, 1] + reach - origin[1]) / step), ny - 1)
        k0 = max(math.ceil((points[m, 2] - reach - origin[2]) / step), 0)
        k1 = min(math.floor((points[m, 2] + reach - origin[2]) / step), nz - 1)
        for i in range(i0, i1 + 1):
            dx = origin[0] + i * step - points[m, 0]
            for j in range(j0, j1 + 1):
                dy = origin[1] + j * step - points[m, 1]
                for k in range(k0, k1 + 1):
                    dz = origin[2] + k * step - points[m, 2]
                    d = math.sqrt(dx * dx + dy * dy + dz * dz) - radii[m]
                    if d < out[i, j, k]:
                        out[i, j, k] = d


@kernel
def lobes(centres, radii, blend, affine, out):
    """Signed distance to balls joined smoothly over `blend` mm.

    centres (n, 3), radii (n,) in world mm; affine (4, 4) voxel to world; out (nx, ny, nz) float64.
    """
    nx, ny, nz = out.shape
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                x = affine[0, 0] * i + affine[0, 1] * j + affine[0, 2] * k + affine[0, 3]
                y = affine[1, 0] * i + affine[1, 1] * j + affine[1, 2] * k + affine[1, 3]
                z = affine[2, 0] * i + affine[2, 1] * j + affine[2, 2] * k + affine[2, 3]
                d = 1.0e3
                for m in range(centres.shape[0]):
                    dx, dy, dz = x - centres[m, 0], y - centres[m, 1], z - centres[m, 2]
                    e = math.sqrt(dx * dx + dy * dy + dz * dz) - radii[m]
                    h = max(blend - abs(d - e), 0.0) / blend
                    d = min(d, e) - h * h * blend * 0.25
                out[i, j, k] = d


@kernel
def flood(field, blocked, start, count, out):
    """Take `count` voxels from `start` on, always the lowest free face-neighbour next: one piece, exact size.

    field (n,) float64 in C order of `out` (nx, ny, nz) bool; blocked (n,) bool; start: flat index.
    Returns how many were taken.
    """
    nx, ny, nz = out.shape
    heap = np.empty(field.size, np.int64)
    seen = blocked.copy()
    heap[0] = start
    seen[start] = True
    size, taken = 1, 0
    while size > 0 and taken < count:
        top = heap[0]
        size -= 1
        last = heap[size]
        hole = 0
        while True:
            child = 2 * hole + 1
            if child >= size:
                break
            if child + 1 < size and field[heap[child + 1]] < field[heap[child]]:
                child += 1
            if field[last] <= field[heap[child]]:
                break
            heap[hole] = heap[child]
            hole = child
        heap[hole] = last
        i, j, k = top // (ny * nz), (top // nz) % ny, top % nz
        out[i, j, k] = True
        taken += 1
        for side in range(6):
            a = i + (1 if side == 0 else 0) - (1 if side == 1 else 0)
            b = j + (1 if side == 2 else 0) - (1 if side == 3 else 0)
            c = k + (1 if side == 4 else 0) - (1 if side == 5 else 0)
            if a < 0 or b < 0 or c < 0 or a >= nx or b >= ny or c >= nz:
                continue
            new = (a * ny + b) * nz + c
            if seen[new]:
                continue
            seen[new] = True
            hole = size
            size += 1
            while hole > 0 and field[new] < field[heap[(hole - 1) // 2]]:
                heap[hole] = heap[(hole - 1) // 2]
                hole = (hole - 1) // 2
            heap[hole] = new
    return taken
