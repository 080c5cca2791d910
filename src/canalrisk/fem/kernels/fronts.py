"""Multifrontal Cholesky: assembly of fronts, extend-add, partial factorisation by tiles.

A front of N rows is stored by panels of `PANEL` columns: panel k starts at column c = k PANEL and holds rows c to N,
column-major. Its pivot panels lie in the factor, those of its update (the part that its parent takes) in the work
space. Only the lower half is meaningful.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from canalrisk._jit import part_kernel, pkernel
from canalrisk.fem.kernels import dense, tasks

# Columns of a panel, a multiple of 3; also the height of the tiles that different threads work on.
PANEL = 192
# Triangular solves are several times slower than products: they are done on blocks of so many columns only.
BLOCK = 32
SUBTREE, PIVOT_PANEL, UPDATE_PANEL, SUBTRACT, DIAGONAL, DIVIDE, COMPLETE = range(7)


class Fronts(NamedTuple):
    """The symbolic part.

    `starts` first pivot of each front; `pointer` into its `rows` (positions), `local` (those rows' places in the
    parent's front, by node) and `runs` (where the run of consecutive places ends that a row is in); `first_child`
    into `children`; `panels` and `update` offsets in factor and work space; `blocks` first stored block of each
    position and `place` the blocks' rows in their front, by node.
    """

    starts: Any
    pointer: Any
    rows: Any
    local: Any
    runs: Any
    first_child: Any
    children: Any
    panels: Any
    update: Any
    blocks: Any
    place: Any


@part_kernel
def _offset(height, k):
    """Where panel k begins in a matrix of `height` rows."""
    return k * PANEL * height - PANEL * PANEL * (k * (k - 1) // 2)


def panels_size(height: int) -> int:
    """Entries of the panels of a square matrix of `height` rows."""
    whole, last = divmod(height, PANEL)
    return sum(PANEL * (height - k * PANEL) for k in range(whole)) + last * last


@part_kernel
def _take(s, child, first, last, base, target, at, height, work):
    """Add the columns of a child's update that fall on parent nodes `first` to `last` to a panel at `at`.

    `base` is the parent's node of the panel's first row.
    """
    r0 = s.pointer[child]
    n = s.pointer[child + 1] - r0
    local = s.local[r0 : r0 + n]
    for j in range(n):
        if local[j] < first:
            continue
        if local[j] >= last:
            break
        k = 3 * j // PANEL
        rows = 3 * n - k * PANEL
        source = s.update[child] + _offset(3 * n, k) - k * PANEL
        goal = at + 3 * (local[j] - first) * height - 3 * base
        i = j
        while i < n:
            # Rows that follow one another in both are added in one run.
            e = s.runs[r0 + i] - r0
            for q in range(3):
                a = source + (3 * j + q - k * PANEL) * rows + 3 * i
                b = goal + q * height + 3 * local[i]
                for t in range(3 * (e - i)):
                    target[b + t] += work[a + t]
            i = e


@part_kernel
def _scatter(s, f, k, blocks, free, shift, factor, at, height):
    """Entries of the matrix in pivot panel k, which lies at `at` with columns of `height` rows."""
    base = s.starts[f] + k * (PANEL // 3)
    last = min(s.starts[f + 1], base + PANEL // 3)
    for i in range(base, last):
        column = at + 3 * (i - base) * height - 3 * (base - s.starts[f])
        for b in range(s.blocks[i], s.blocks[i + 1]):
            row = column + 3 * s.place[b]
            j = s.starts[f] + s.place[b]
            if s.place[b] >= s.starts[f + 1] - s.starts[f]:
                j = s.rows[s.pointer[f] + s.place[b] - (s.starts[f + 1] - s.starts[f])]
            for p in range(3):
                for q in range(3):
                    if free[i, p] and free[j, q]:
                        factor[row + p * height + q] = blocks[b, 3 * p + q]
        for p in range(3):
            d = column + 3 * (i - s.starts[f]) + p * (height + 1)
            factor[d] = factor[d] + shift[i, p] if free[i, p] else 1.0


@part_kernel
def _sizes(s, f):
    return 3 * (s.starts[f + 1] - s.starts[f]), 3 * (s.pointer[f + 1] - s.pointer[f])


@part_kernel
def _pivot_panel(s, f, k, blocks, free, shift, factor, work):
    p, q = _sizes(s, f)
    height = p + q - k * PANEL
    width = min(PANEL, p - k * PANEL)
    at = s.panels[f] + _offset(p + q, k)
    factor[at : at + width * height] = 0.0
    _scatter(s, f, k, blocks, free, shift, factor, at, height)
    first = k * PANEL // 3
    for c in range(s.first_child[f], s.first_child[f + 1]):
        _take(s, s.children[c], first, first + width // 3, first, factor, at, height, work)


@part_kernel
def _update_panel(s, f, k, work):
    p, q = _sizes(s, f)
    height = q - k * PANEL
    width = min(PANEL, height)
    at = s.update[f] + _offset(q, k)
    work[at : at + width * height] = 0.0
    first = (p + k * PANEL) // 3
    for c in range(s.first_child[f], s.first_child[f + 1]):
        _take(s, s.children[c], first, first + width // 3, first, work, at, height, work)


@part_kernel
def _subtract(s, f, k, r0, r1, factor, z):
    """Take the product of earlier panels off rows `r0` to `r1` (of the front) of pivot panel k, at or below its top."""
    p, q = _sizes(s, f)
    n = p + q
    c0 = k * PANEL
    width = min(PANEL, p - c0)
    at = s.panels[f] + _offset(n, k)
    for m in range(k):
        a = s.panels[f] + _offset(n, m) - m * PANEL
        if r0 == c0:
            dense.subtract_square(width, PANEL, factor, a + c0, n - m * PANEL, factor, at, n - c0, z)
        below = max(r0, c0 + width)
        if below < r1:
            dense.subtract_product(
                r1 - below, width, PANEL, factor, a + below, n - m * PANEL, factor, a + c0, n - m * PANEL,
                factor, at + below - c0, n - c0, z,
            )  # fmt: skip


@part_kernel
def _diagonal(s, f, k, factor, z):
    p, q = _sizes(s, f)
    c0 = k * PANEL
    width, ld = min(PANEL, p - c0), p + q - c0
    at = s.panels[f] + _offset(p + q, k)
    for b0 in range(0, width, BLOCK):
        n = min(BLOCK, width - b0)
        own = at + b0 * (ld + 1)
        if b0 > 0:
            dense.subtract_square(n, b0, factor, at + b0, ld, factor, own, ld, z)
        if dense.factor_block(n, factor, own, ld, z) != 0:
            return 1
        rest = width - b0 - n
        if rest > 0:
            if b0 > 0:
                dense.subtract_product(
                    rest, n, b0, factor, at + b0 + n, ld, factor, at + b0, ld, factor, own + n, ld, z
                )
            dense.divide_rows(rest, n, factor, own, ld, factor, own + n, ld, z)
    return 0


@part_kernel
def _divide(s, f, k, r0, r1, factor, z):
    p, q = _sizes(s, f)
    c0 = k * PANEL
    width = min(PANEL, p - c0)
    at = s.panels[f] + _offset(p + q, k)
    ld = p + q - c0
    below = max(r0, c0 + width)
    rows = r1 - below
    if rows <= 0:
        return
    first = at + below - c0
    for b0 in range(0, width, BLOCK):
        n = min(BLOCK, width - b0)
        column = first + b0 * ld
        if b0 > 0:
            dense.subtract_product(rows, n, b0, factor, first, ld, factor, at + b0, ld, factor, column, ld, z)
        dense.divide_rows(rows, n, factor, at + b0 * (ld + 1), ld, factor, column, ld, z)


@part_kernel
def _complete(s, f, j, r0, r1, factor, work, z):
    """Take the pivots' product off rows `r0` to `r1` of update panel j, at or below its top."""
    p, q = _sizes(s, f)
    c0 = j * PANEL
    width = min(PANEL, q - c0)
    at = s.update[f] + _offset(q, j)
    for m in range((p + PANEL - 1) // PANEL):
        depth = min(PANEL, p - m * PANEL)
        a = s.panels[f] + _offset(p + q, m) - m * PANEL + p
        rows = p + q - m * PANEL
        if r0 == c0:
            dense.subtract_square(width, depth, factor, a + c0, rows, work, at, q - c0, z)
        below = max(r0, c0 + width)
        if below < r1:
            dense.subtract_product(
                r1 - below, width, depth, factor, a + below, rows, factor, a + c0, rows,
                work, at + below - c0, q - c0, z,
            )  # fmt: skip


@part_kernel
def _whole_front(s, f, blocks, free, shift, factor, work, z):
    """Assemble and eliminate one front on one thread; returns 0 unless a pivot is not positive.

    Panels of the update are assembled when they are needed, while they are in the cache.
    """
    p, q = _sizes(s, f)
    panels, rest = (p + PANEL - 1) // PANEL, (q + PANEL - 1) // PANEL
    for k in range(panels):
        _pivot_panel(s, f, k, blocks, free, shift, factor, work)
    for k in range(panels):
        _subtract(s, f, k, k * PANEL, p + q, factor, z)
        if _diagonal(s, f, k, factor, z) != 0:
            return 1
        _divide(s, f, k, k * PANEL, p + q, factor, z)
    for k in range(rest):
        _update_panel(s, f, k, work)
        _complete(s, f, k, k * PANEL, q, factor, work, z)
    return 0


@part_kernel
def _task(s, task, blocks, free, shift, factor, work, z):
    """Carry out one task; returns 0 unless a pivot is not positive."""
    kind, f, part = task[tasks.KIND], task[tasks.FRONT], task[tasks.PART]
    p, q = _sizes(s, f)
    if kind == SUBTREE:
        for g in range(part, f + 1):
            if _whole_front(s, g, blocks, free, shift, factor, work, z) != 0:
                return 1
    elif kind == PIVOT_PANEL:
        _pivot_panel(s, f, part, blocks, free, shift, factor, work)
    elif kind == UPDATE_PANEL:
        _update_panel(s, f, part, work)
    elif kind == DIAGONAL:
        return _diagonal(s, f, part, factor, z)
    elif kind == COMPLETE:
        r0 = task[tasks.OTHER] * PANEL
        _complete(s, f, part, r0, min(r0 + PANEL, q), factor, work, z)
    else:
        r0 = (part + task[tasks.OTHER]) * PANEL
        if kind == SUBTRACT:
            _subtract(s, f, part, r0, min(r0 + PANEL, p + q), factor, z)
        else:
            _divide(s, f, part, r0, min(r0 + PANEL, p + q), factor, z)
    return 0


@pkernel
def factorise(workers, todo, counters, s, blocks, free, shift, factor, work):
    """Carry out the tasks `todo`; the last but one of `counters` is not 0 afterwards if the matrix is not positive.

    `blocks` (p, 9), `free` and `shift` (n, 3) are in the order of elimination. `counters` are zero, two per front and
    four more: nothing, failures, updates that nobody takes, and the next task.
    """
    failed = len(counters) - 3
    for _ in prange(workers):
        z = np.zeros(8, np.int32)
        while True:
            t = tasks.add(counters, len(counters) - 1)
            if t >= len(todo):
                break
            task = todo[t]
            tasks.wait(counters, task[tasks.WAIT], task[tasks.COUNT])
            tasks.wait(counters, task[tasks.WAIT2], task[tasks.COUNT2])
            # After a failure tasks are only counted.
            if tasks.read(counters, failed) == 0 and _task(s, task, blocks, free, shift, factor, work, z) != 0:
                tasks.add(counters, failed)
            tasks.add(counters, task[tasks.POST])
