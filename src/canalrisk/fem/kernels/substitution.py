"""Forward and backward substitution with a multifrontal factor, for one or several right-hand sides.

`x` holds them one after another in the order of elimination; `y` holds for every front what it adds to the rows below
its pivots, or on the way back the solution there, one right-hand side after another.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import part_kernel, pkernel
from canalrisk.fem.kernels import dense, tasks
from canalrisk.fem.kernels.fronts import PANEL, _offset, _sizes

# Rows below the pivots that one task takes.
ROWS = 576
SUBTREE_IN, PIVOTS_IN, ROWS_IN, COLLECT, ROWS_OUT, PIVOTS_OUT, SUBTREE_OUT = range(7)


@part_kernel
def _gather_children(s, f, x, y, n, k):
    """Collect what the children add to the rows of front f: to `x` at its pivots, to `y` below."""
    p, q = _sizes(s, f)
    own = s.pointer[f] * 3 * k
    for t in range(q * k):
        y[own + t] = 0.0
    for at in range(s.first_child[f], s.first_child[f + 1]):
        child = s.children[at]
        r0, r1 = s.pointer[child], s.pointer[child + 1]
        for c in range(k):
            source = r0 * 3 * k + c * 3 * (r1 - r0)
            for i in range(r1 - r0):
                target = 3 * s.local[r0 + i]
                for d in range(3):
                    if target < p:
                        x[c * n + 3 * s.starts[f] + target + d] += y[source + 3 * i + d]
                    else:
                        y[own + c * q + target - p + d] += y[source + 3 * i + d]


@part_kernel
def _pivots_in(s, f, factor, x, y, n, k, z):
    _gather_children(s, f, x, y, n, k)
    p, q = _sizes(s, f)
    top = 3 * s.starts[f]
    for m in range((p + PANEL - 1) // PANEL):
        c0 = m * PANEL
        width = min(PANEL, p - c0)
        at = s.panels[f] + _offset(p + q, m)
        dense.divide(0, width, k, factor, at, p + q - c0, x, top + c0, n, z)
        if c0 + width < p:
            dense.subtract_applied(
                0, p - c0 - width, k, width, factor, at + width, p + q - c0, x, top + c0, n, x, top + c0 + width, n, z
            )


@part_kernel
def _rows_in(s, f, r0, r1, factor, x, y, n, k, z):
    p, q = _sizes(s, f)
    if r0 >= r1:
        return
    for m in range((p + PANEL - 1) // PANEL):
        c0 = m * PANEL
        at = s.panels[f] + _offset(p + q, m) + p - c0 + r0
        dense.subtract_applied(
            0, r1 - r0, k, min(PANEL, p - c0), factor, at, p + q - c0, x, 3 * s.starts[f] + c0, n,
            y, s.pointer[f] * 3 * k + r0, q, z,
        )  # fmt: skip


@part_kernel
def _collect(s, f, x, y, n, k):
    _, q = _sizes(s, f)
    own = s.pointer[f] * 3 * k
    for c in range(k):
        for i in range(q // 3):
            row = c * n + 3 * s.rows[s.pointer[f] + i]
            for d in range(3):
                y[own + c * q + 3 * i + d] = x[row + d]


@part_kernel
def _rows_out(s, f, m, factor, x, y, n, k, z):
    p, q = _sizes(s, f)
    if q == 0:
        return
    c0 = m * PANEL
    at = s.panels[f] + _offset(p + q, m) + p - c0
    dense.subtract_applied(
        1, min(PANEL, p - c0), k, q, factor, at, p + q - c0, y, s.pointer[f] * 3 * k, q, x, 3 * s.starts[f] + c0, n, z
    )


@part_kernel
def _pivots_out(s, f, factor, x, n, k, z):
    p, q = _sizes(s, f)
    top = 3 * s.starts[f]
    panels = (p + PANEL - 1) // PANEL
    for m in range(panels - 1, -1, -1):
        c0 = m * PANEL
        width = min(PANEL, p - c0)
        at = s.panels[f] + _offset(p + q, m)
        if c0 + width < p:
            dense.subtract_applied(
                1, width, k, p - c0 - width, factor, at + width, p + q - c0, x, top + c0 + width, n, x, top + c0, n, z
            )
        dense.divide(1, width, k, factor, at, p + q - c0, x, top + c0, n, z)


@part_kernel
def _task(s, task, factor, x, y, n, k, z):
    kind, f, part = task[tasks.KIND], task[tasks.FRONT], task[tasks.PART]
    _, q = _sizes(s, f)
    if kind == SUBTREE_IN:
        for g in range(part, f + 1):
            _pivots_in(s, g, factor, x, y, n, k, z)
            _rows_in(s, g, 0, 3 * (s.pointer[g + 1] - s.pointer[g]), factor, x, y, n, k, z)
    elif kind == PIVOTS_IN:
        _pivots_in(s, f, factor, x, y, n, k, z)
    elif kind == ROWS_IN:
        _rows_in(s, f, part * ROWS, min(part * ROWS + ROWS, q), factor, x, y, n, k, z)
    elif kind == COLLECT:
        _collect(s, f, x, y, n, k)
    elif kind == ROWS_OUT:
        _rows_out(s, f, part, factor, x, y, n, k, z)
    elif kind == PIVOTS_OUT:
        _pivots_out(s, f, factor, x, n, k, z)
    else:
        for g in range(f, part - 1, -1):
            _collect(s, g, x, y, n, k)
            g_pivots, _ = _sizes(s, g)
            for m in range((g_pivots + PANEL - 1) // PANEL):
                _rows_out(s, g, m, factor, x, y, n, k, z)
            _pivots_out(s, g, factor, x, n, k, z)


@pkernel
def substitute(workers, todo, counters, s, factor, x, y, n, k):
    """Carry out the tasks of one direction on the `k` right-hand sides of `n` scalars in `x`."""
    for _ in prange(workers):
        z = np.zeros(8, np.int32)
        while True:
            t = tasks.add(counters, len(counters) - 1)
            if t >= len(todo):
                break
            task = todo[t]
            tasks.wait(counters, task[tasks.WAIT], task[tasks.COUNT])
            _task(s, task, factor, x, y, n, k, z)
            tasks.add(counters, task[tasks.POST])
