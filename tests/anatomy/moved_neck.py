"""A synthetic neck whose vertebrae have moved by known rigid motions, voxelised anew on a grid of its own."""

import numpy as np
from scipy.ndimage import find_objects, map_coordinates
from scipy.spatial.transform import Rotation

from canalrisk.field import Grid, RigidMotion
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.phantom import LEVELS, build_model, sample_neck
from canalrisk.phantom.soft import CORD, CSF, EPIDURAL
from canalrisk.phantom.voxelise import label, label_table

MARGIN_MM = 5.0
IN_CANAL = (CORD, CSF, EPIDURAL)
NO_MOTION = RigidMotion()


class Drawn:
    """A neck's model, finely sampled, from which scans are drawn; the first frame is the model's world."""

    def __init__(self, *, seed=3, fine=0.5, levels=LEVELS):
        self.model = build_model(sample_neck(seed), spacing=fine)
        self.levels = levels
        self.labels = label(self.model).labels
        self.labels[~np.isin(self.labels, IN_CANAL)] = 0
        self.bone = np.minimum(self.model.bone, 6.0)
        numbers = {level: LEVELS.index(level) + 1 for level in levels}
        inside = np.where(self.model.bone < 0, self.model.owner, 0).astype(np.int8)
        boxes = find_objects(inside)
        self.number = numbers
        self.corners = {level: self._corners(boxes[number - 1]) for level, number in numbers.items()}
        self.origin = {level: self.model.frames[number - 1].origin for level, number in numbers.items()}

    def _corners(self, box):
        ends = [(part.start - 1.0, float(part.stop)) for part in box]
        return self.model.grid.to_world(np.array(np.meshgrid(*ends)).reshape(3, -1).T)

    def scan(self, motions, *, spacing, mass=None, gone=None, turn=None):
        """Label map of the neck after `motions` (level to RigidMotion), on a grid whose axes are turned by `turn`.

        `mass`: level and function of first-frame points (n, 3), negative in a mass that moves with that level.
        `gone`: level and function of first-frame points, negative where its bone is gone.
        """
        turn = np.eye(3) if turn is None else turn
        grid = _grid_around(np.concatenate([motions[k].apply(c) for k, c in self.corners.items()]), spacing, turn)
        labels = np.zeros(grid.shape, np.int16)
        self._draw_canal(labels, grid, motions)
        for level, number in self.number.items():
            box, world = _points_of(grid, motions[level].apply(self.corners[level]))
            first = _back(motions[level], world)
            own = self._nearest(self.model.owner, first) == number
            inside = own & (self._linear(self.bone, first) < 0)
            if gone is not None and gone[0] == level:
                inside &= gone[1](first) > 0
            part = labels[box]
            part[inside.reshape(part.shape)] = number + 1
        mask = None
        if mask is None and mass is not None:
            owner, level_set = mass
            world = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1)).reshape(-1, 3)
            mask = (level_set(_back(motions[owner], world)) < 0).reshape(grid.shape)
        return LabelMap(labels, grid, label_table(), mass=mask)

    def _draw_canal(self, labels, grid, motions):
        """Draw what lies in the canal: motions are blended between the vertebrae's heights."""
        at = self.model.grid.to_world(np.argwhere(self.labels > 0)[::50])
        heights = np.array([self.origin[level][2] for level in self.levels])
        place = np.interp(-at[:, 2], -heights, np.arange(float(len(heights))))
        moved = _mixed(at, place, [motions[level].apply for level in self.levels])
        box, world = _points_of(grid, moved)
        now = np.array([motions[level].apply(self.origin[level])[2] for level in self.levels])
        place = np.interp(-world[:, 2], -now, np.arange(float(len(now))))
        first = _mixed(world, place, [lambda x, m=motions[level]: _back(m, x) for level in self.levels])
        labels[box] = self._nearest(self.labels, first).reshape(labels[box].shape)

    def _linear(self, field, points):
        return map_coordinates(field, self.model.grid.to_voxel(points).T, order=1, mode="nearest")

    def _nearest(self, values, points):
        voxel = np.rint(self.model.grid.to_voxel(points)).astype(int)
        inside = ((voxel >= 0) & (voxel < self.model.grid.shape)).all(axis=1)
        out = np.zeros(len(points), values.dtype)
        out[inside] = values[tuple(voxel[inside].T)]
        return out


def _grid_around(points, spacing, turn):
    local = points @ turn
    low, high = local.min(axis=0) - MARGIN_MM, local.max(axis=0) + MARGIN_MM
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * spacing, turn @ low
    return Grid(tuple(np.ceil((high - low) / spacing).astype(int).tolist()), affine)


def _points_of(grid, points):
    """Box of the grid that holds `points`, and its voxel centres (n, 3), mm."""
    voxel = grid.to_voxel(points)
    low = np.maximum(np.floor(voxel.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(voxel.max(axis=0)).astype(int) + 2, grid.shape)
    index = np.moveaxis(np.indices(high - low), 0, -1) + low
    return tuple(slice(a, b) for a, b in zip(low, high, strict=True)), grid.to_world(index).reshape(-1, 3)


def _mixed(points, place, moves):
    out = np.zeros_like(points)
    for number, move in enumerate(moves):
        weight = np.maximum(0.0, 1.0 - np.abs(place - number))
        some = weight > 0
        out[some] += weight[some, None] * move(points[some])
    return out


def _back(motion, points):
    inverse = motion.inverse
    return points @ inverse[:3, :3].T + inverse[:3, 3]


def still(drawn):
    return dict.fromkeys(drawn.levels, NO_MOTION)


def bent(drawn, *, degrees=(3.0, 1.2, 0.9), whole=NO_MOTION):
    """Motions of a neck that bends, leans and twists a little more at each level upwards, and moves as a whole."""
    motions, last = {}, whole.matrix
    for k, level in enumerate(reversed(drawn.levels)):
        if k:
            frame = drawn.model.frames[LEVELS.index(level)]
            below = frame.origin - 8.0 * frame.turn[:, 2]
            joint = RigidMotion(tuple(np.radians(degrees).tolist()), tuple(below.tolist()))
            last = last @ joint.matrix
        motions[level] = of_matrix(last)
    return motions


def of_matrix(matrix):
    turn = Rotation.from_matrix(matrix[:3, :3]).as_rotvec()
    return RigidMotion(tuple(turn.tolist()), (0.0, 0.0, 0.0), tuple(matrix[:3, 3].tolist()))


def apart(found, true, *, at):
    """Distance (mm) at a point and angle (degrees) between two motions."""
    turn = Rotation.from_matrix(found.matrix[:3, :3] @ true.matrix[:3, :3].T)
    return float(np.linalg.norm(found.apply(at) - true.apply(at))), float(np.degrees(turn.magnitude()))
