"""Compiled loop over foramen sections: what balls that fit into the free space reach."""

from __future__ import annotations

import numpy as np

from canalrisk._jit import kernel


@kernel
def fitted_balls(free, rank, step, beyond, out):
    """Level of the union of the largest balls about chosen nodes, positive inside, on each plane of a stack.

    `free` float64 (k, m, m): distance of every node from the walls, mm, nodes `step` apart; `rank` int64 (k, m, m):
    -1, or the last of n sets that the node belongs to (each set lies within the one before); `out` float64
    (k, n, m, m): per set the largest of radius less distance from the centre, right to `beyond` mm outside, -1e3
    further away.
    """
    planes, sets, rows, columns = out.shape
    for k in range(planes):
        for n in range(sets - 1, -1, -1):
            level = out[k, n]
            if n == sets - 1:
                level[:] = -1e3
            else:
                level[:] = out[k, n + 1]
            for i in range(rows):
                for j in range(columns):
                    if rank[k, i, j] != n:
                        continue
                    radius = free[k, i, j]
                    reach = int((radius + beyond) / step) + 2
                    for a in range(max(i - reach, 0), min(i + reach + 1, rows)):
                        for b in range(max(j - reach, 0), min(j + reach + 1, columns)):
                            inside = radius - step * np.sqrt(float((a - i) ** 2 + (b - j) ** 2))
                            level[a, b] = max(level[a, b], inside)
