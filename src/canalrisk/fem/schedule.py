"""What is computed where and after what: memory of the updates, and the list of tasks of factor and solve."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.elimination import Tree
from canalrisk.fem.kernels import fronts as kinds
from canalrisk.fem.kernels import substitution as solves
from canalrisk.fem.kernels.fronts import PANEL, panels_size
from canalrisk.fem.kernels.substitution import ROWS

Index = NDArray[np.int64]
Task = tuple[int, int, int, int, int, int, int, int, int]

# A subtree with less than this part of all operations is one task; fronts above it are split into tiles.
ITEM = 1.0 / 24.0
# So are fronts of this many pivots wherever the fronts above them are.
WIDE = 768
INSIDE, SPLIT = -1, -2


@dataclass(frozen=True, eq=False)
class Schedule:
    """Tasks in an order in which every one comes after those it waits for.

    Parameters
    ----------
    update : (s,) ndarray
        Where the update of each front lies in the work space.
    room : int
        Entries of the work space.
    factor, forward, backward : (t, 9) ndarray
        Tasks: columns of `kernels.tasks`.
    """

    update: Index
    room: int
    factor: Index
    forward: Index
    backward: Index


@dataclass
class _Space:
    """First-fit allocation in an unbounded array."""

    used: list[tuple[int, int]] = field(default_factory=list)
    peak: int = 0

    def take(self, size: int) -> int:
        at = 0
        for start, stop in self.used:
            if start - at >= size:
                break
            at = stop
        if size:
            insort(self.used, (at, at + size))
            self.peak = max(self.peak, at + size)
        return at

    def give(self, start: int, size: int) -> None:
        if size:
            self.used.remove((start, start + size))


@dataclass(frozen=True)
class _Plan:
    """A tree in plain numbers, and what of it is one task: see `_items`.

    Counters: f, updates that have arrived at front f; s + f, tasks of the front that are done; then `nothing`, which
    stays 0, failures, and `nobody`, for what no front waits for.
    """

    parent: list[int]
    pivots: list[int]
    below: list[int]
    item: list[int]

    @property
    def nothing(self) -> int:
        """Counter that stays 0."""
        return 2 * len(self.parent)

    def own(self, f: int) -> int:
        """Counter of the tasks of front f that are done."""
        return len(self.parent) + f

    def above(self, f: int) -> int:
        """Counter of the updates that have arrived at the parent."""
        return self.parent[f] if self.parent[f] >= 0 else self.nothing + 2

    def parts(self) -> list[int]:
        """Last fronts of the subtrees that are one task, and split fronts, children first."""
        return [f for f, first in enumerate(self.item) if first != INSIDE]


def build_schedule(tree: Tree) -> Schedule:
    """Split the work of a tree into tasks, the same for any number of threads.

    Parameters
    ----------
    tree : Tree

    Returns
    -------
    Schedule
    """
    pivots, below = tree.widths
    plan = _Plan(tree.parent.tolist(), pivots.tolist(), below.tolist(), _items(tree))
    update, room = _memory(plan)
    lists = (_factor_tasks(plan), _forward_tasks(plan), _backward_tasks(plan))
    factor, forward, backward = (np.array(tasks, np.int64).reshape(-1, 9) for tasks in lists)
    return Schedule(update, room, factor, forward, backward)


def _items(tree: Tree) -> list[int]:
    """First front of the subtree that ends at a front and is one task; INSIDE such subtrees; SPLIT ones."""
    s = len(tree.parent)
    work = tree.operations.copy()
    first = list(range(s))
    for f, p in enumerate(tree.parent.tolist()):
        if p >= 0:
            work[p] += work[f]
            first[p] = min(first[p], first[f])
    pivots, _ = tree.widths
    large = (work > ITEM * tree.operations.sum()) | (pivots >= WIDE)
    item = [INSIDE] * s
    for f in range(s - 1, -1, -1):
        p = int(tree.parent[f])
        if p < 0 or item[p] == SPLIT:
            item[f] = SPLIT if large[f] else first[f]
    return item


def _memory(plan: _Plan) -> tuple[Index, int]:
    """Place of every update: subtrees work in a room of their own, freed when the front above has taken the result."""
    s = len(plan.parent)
    size = [panels_size(q) for q in plan.below]
    update = np.zeros(s, np.int64)
    children: list[list[int]] = [[] for _ in range(s)]
    for f, p in enumerate(plan.parent):
        if p >= 0:
            children[p].append(f)
    space = _Space()
    rooms: dict[int, tuple[int, int]] = {}
    for f in plan.parts():
        if plan.item[f] == SPLIT:
            rooms[f] = (space.take(size[f]), size[f])
            update[f] = rooms[f][0]
            for c in children[f]:
                space.give(*rooms[c])
        else:
            inner = _Space()
            for g in range(plan.item[f], f + 1):
                update[g] = inner.take(size[g])
                for c in children[g]:
                    inner.give(int(update[c]), size[c])
            rooms[f] = (space.take(inner.peak), inner.peak)
            update[plan.item[f] : f + 1] += rooms[f][0]
    return update, space.peak


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def _factor_tasks(plan: _Plan) -> list[Task]:
    tasks: list[Task] = []
    nothing = plan.nothing
    arriving = [0] * len(plan.parent)
    # Memory is given on once the last split front in the list has taken its children's updates.
    after, taken = nothing, 0
    for f in plan.parts():
        own, above = plan.own(f), plan.above(f)
        rest = _ceil(plan.below[f], PANEL)
        if plan.item[f] == SPLIT:
            panels = _ceil(plan.pivots[f], PANEL)
            for kind, count in ((kinds.PIVOT_PANEL, panels), (kinds.UPDATE_PANEL, rest)):
                tasks += [(kind, f, k, 0, f, arriving[f], after, taken, own) for k in range(count)]
            after, taken = own, panels + rest
            done = _eliminate_pivots(plan, f, tasks, taken)
            updates = [(j, t) for j in range(rest) for t in range(j, rest)]
            tasks += [(kinds.COMPLETE, f, j, t, own, done, nothing, 0, above) for j, t in updates]
            gives = len(updates)
        else:
            tasks.append((kinds.SUBTREE, f, plan.item[f], 0, nothing, 0, after, taken, above))
            gives = 1
        if plan.parent[f] >= 0:
            arriving[plan.parent[f]] += gives
    return tasks


def _eliminate_pivots(plan: _Plan, f: int, tasks: list[Task], done: int) -> int:
    """Append the tasks of the pivot panels of a split front, of which `done` are before them; return how many are."""
    own, nothing = plan.own(f), plan.nothing
    for k in range(_ceil(plan.pivots[f], PANEL)):
        tiles = _ceil(plan.pivots[f] + plan.below[f] - k * PANEL, PANEL)
        if k > 0:
            tasks += [(kinds.SUBTRACT, f, k, t, own, done, nothing, 0, own) for t in range(tiles)]
            done += tiles
        tasks.append((kinds.DIAGONAL, f, k, 0, own, done, nothing, 0, own))
        done += 1
        # The first tile reaches below the diagonal block where the last panel is narrow.
        divided = range(0 if (k + 1) * PANEL > plan.pivots[f] else 1, tiles)
        tasks += [(kinds.DIVIDE, f, k, t, own, done, nothing, 0, own) for t in divided]
        done += len(divided)
    return done


def _forward_tasks(plan: _Plan) -> list[Task]:
    tasks: list[Task] = []
    nothing = plan.nothing
    arriving = [0] * len(plan.parent)
    for f in plan.parts():
        own, above = plan.own(f), plan.above(f)
        if plan.item[f] == SPLIT:
            gives = _ceil(plan.below[f], ROWS)
            tasks.append((solves.PIVOTS_IN, f, 0, 0, f, arriving[f], nothing, 0, own))
            tasks += [(solves.ROWS_IN, f, t, 0, own, 1, nothing, 0, above) for t in range(gives)]
        else:
            gives = 1
            tasks.append((solves.SUBTREE_IN, f, plan.item[f], 0, nothing, 0, nothing, 0, above))
        if plan.parent[f] >= 0:
            arriving[plan.parent[f]] += gives
    return tasks


def _backward_tasks(plan: _Plan) -> list[Task]:
    tasks: list[Task] = []
    nothing = plan.nothing
    for f in reversed(plan.parts()):
        own, p = plan.own(f), plan.parent[f]
        # A split front is three stages: collect, one task per panel, pivots.
        above, count = (plan.own(p), _ceil(plan.pivots[p], PANEL) + 2) if p >= 0 else (nothing, 0)
        if plan.item[f] == SPLIT:
            panels = _ceil(plan.pivots[f], PANEL)
            tasks.append((solves.COLLECT, f, 0, 0, above, count, nothing, 0, own))
            tasks += [(solves.ROWS_OUT, f, k, 0, own, 1, nothing, 0, own) for k in range(panels)]
            tasks.append((solves.PIVOTS_OUT, f, 0, 0, own, 1 + panels, nothing, 0, own))
        else:
            tasks.append((solves.SUBTREE_OUT, f, plan.item[f], 0, above, count, nothing, 0, own))
    return tasks
