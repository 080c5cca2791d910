"""Fast marching of arrival times with a binary heap."""

from __future__ import annotations

import numpy as np

from canalrisk._jit import inline_kernel, kernel

# States of a voxel beside its place in the heap (0, 1, ...).
FAR, ACCEPTED, CLOSED = -1, -2, -3


@inline_kernel
def _upwind(time, place, flat, stride, before, after):
    """Upwind data along one axis: order, nearest accepted value, the one behind it.

    `before`, `after` how many voxels there are on either side.
    """
    order, near, behind = 0, np.inf, np.inf
    if before > 0 and place[flat - stride] == ACCEPTED:
        order, near = 1, time[flat - stride]
        if before > 1 and place[flat - 2 * stride] == ACCEPTED and time[flat - 2 * stride] <= near:
            order, behind = 2, time[flat - 2 * stride]
    if after > 0 and place[flat + stride] == ACCEPTED and time[flat + stride] < near:
        order, near = 1, time[flat + stride]
        if after > 1 and place[flat + 2 * stride] == ACCEPTED and time[flat + 2 * stride] <= near:
            order, behind = 2, time[flat + 2 * stride]
    return order, near, behind


@inline_kernel
def _eikonal(time, place, slowness, shape, spacing, flat, work):
    """Arrival time at one voxel from its accepted neighbours; second-order one-sided where two are in line."""
    near, value, weight = work[0], work[1], work[2]
    stride, rest = 1, flat
    simple = np.inf
    for axis in range(2, -1, -1):
        position = rest % shape[axis]
        rest //= shape[axis]
        order, first, second = _upwind(time, place, flat, stride, position, shape[axis] - 1 - position)
        stride *= shape[axis]
        near[axis], weight[axis], value[axis] = first, 0.0, first
        if order > 0:
            simple = min(simple, first + slowness * spacing[axis])
            weight[axis] = 1.0 / spacing[axis] ** 2
        if order == 2:
            weight[axis] *= 2.25
            value[axis] = (4.0 * first - second) / 3.0
    # An axis whose upwind value is not below the solution does not carry the front: drop the latest, retry.
    for _ in range(3):
        a, b, c, latest = 0.0, 0.0, -slowness * slowness, -1
        for axis in range(3):
            if weight[axis] > 0.0:
                a += weight[axis]
                b += weight[axis] * value[axis]
                c += weight[axis] * value[axis] * value[axis]
                if latest < 0 or near[axis] > near[latest]:
                    latest = axis
        if latest < 0:
            break
        square = b * b - a * c
        if square >= 0.0:
            solution = (b + np.sqrt(square)) / a
            if solution >= near[latest]:
                return min(solution, simple)
        weight[latest] = 0.0
    return simple


@inline_kernel
def _rise(heap, place, time, at):
    flat = heap[at]
    while at > 0:
        parent = (at - 1) // 2
        if time[heap[parent]] <= time[flat]:
            break
        heap[at] = heap[parent]
        place[heap[at]] = at
        at = parent
    heap[at] = flat
    place[flat] = at


@inline_kernel
def _pop(heap, place, time, count):
    first, flat = heap[0], heap[count - 1]
    count -= 1
    at = 0
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and time[heap[child + 1]] < time[heap[child]]:
            child += 1
        if time[heap[child]] >= time[flat]:
            break
        heap[at] = heap[child]
        place[heap[at]] = at
        at = child
    if count > 0:
        heap[at] = flat
        place[flat] = at
    return first


@inline_kernel
def _wake(time, place, slowness, shape, spacing, flat, heap, count, work):
    """Update the open face neighbours of an accepted voxel; returns the heap's new size."""
    stride, rest = 1, flat
    for axis in range(2, -1, -1):
        position = rest % shape[axis]
        rest //= shape[axis]
        for step in (-1, 1):
            if not 0 <= position + step < shape[axis]:
                continue
            other = flat + step * stride
            if place[other] < FAR or slowness[other] == np.inf:
                continue
            t = _eikonal(time, place, slowness[other], shape, spacing, other, work)
            if t < time[other]:
                time[other] = t
                if place[other] == FAR:
                    heap[count] = other
                    place[other] = count
                    count += 1
                _rise(heap, place, time, place[other])
        stride *= shape[axis]
    return count


@kernel
def march(time, place, slowness, shape, spacing, limit):
    """Fast marching from the accepted voxels into the far ones, in place, until `limit`.

    All arrays flat, C order. `time` float64: arrival time at ACCEPTED voxels, inf elsewhere; `place` int32: ACCEPTED,
    FAR or CLOSED (never entered, never read). `slowness` float32 per voxel, inf = barrier. Sethian 1999, SIAM Rev
    41:199-235.
    """
    heap = np.empty(time.size, np.int32)
    work = np.empty((3, 3))
    count = 0
    for flat in range(time.size):
        if place[flat] == ACCEPTED:
            count = _wake(time, place, slowness, shape, spacing, flat, heap, count, work)
    while count > 0:
        flat = _pop(heap, place, time, count)
        count -= 1
        if time[flat] > limit:
            break
        place[flat] = ACCEPTED
        count = _wake(time, place, slowness, shape, spacing, flat, heap, count, work)
