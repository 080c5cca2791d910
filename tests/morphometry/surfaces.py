"""Foramina and canal measured on closed triangle surfaces: rays and cuts only, no voxels and none of our fields.

The definitions are those of docs/morphometry.md, written down a second time: a section of a foramen is what balls that
do not fit into the joint clefts reach from the root's path.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

SHARES = (0.66, 0.70, 0.74, 0.78, 0.82, 0.86, 0.90)
WIDEST_CLEFT_MM, CORNER_MM, OPEN_MM, NEAR_PATH_MM = 4.4, 1.0, 12.0, 2.0
HALF_MM, CENTRES_MM, PIXEL_MM = 14.0, 0.25, 0.125


def read_stl(path):
    """Triangles (n, 3, 3) of a binary STL file, mm."""
    raw = path.read_bytes()
    count = int(np.frombuffer(raw, "<u4", 1, 80)[0])
    record = np.dtype([("normal", "<f4", 3), ("corner", "<f4", (3, 3)), ("attribute", "<u2")])
    return np.frombuffer(raw, record, count, 84)["corner"].astype(float)


def voxel_faces(mask, *, grid):
    """Triangles of the outer faces of a mask's voxels, mm: a closed surface of steps."""
    padded = np.pad(mask, 1)
    triangles = []
    for axis in range(3):
        for way in (-1, 1):
            at = np.argwhere(padded & ~np.roll(padded, -way, axis=axis)) - 1.0
            a, b = (np.eye(3)[k] for k in range(3) if k != axis)
            middle = at + 0.5 * way * np.eye(3)[axis]
            corner = [middle + 0.5 * (i * a + j * b) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            triangles += [np.stack([corner[0], corner[k], corner[k + 1]], axis=1) for k in (1, 2)]
    return grid.to_world(np.concatenate(triangles))


@dataclass(frozen=True, eq=False)
class Section:
    """Area mm2, height and width mm of one section; the mean over the cleft shares."""

    area: float
    height: float
    width: float


def surface_points(triangles, *, pitch=0.1):
    """Points on the triangles, at most about `pitch` apart, mm."""
    longest = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(axis=1)
    parts = np.maximum(1, np.ceil(longest / pitch).astype(int))
    points = []
    for n in np.unique(parts):
        a, b, c = np.moveaxis(triangles[parts == n], 1, 0)
        i, j = np.array([(i, j) for i in range(n + 1) for j in range(n + 1 - i)]).T / n
        points.append((a[:, None] + i[:, None] * (b - a)[:, None] + j[:, None] * (c - a)[:, None]).reshape(-1, 3))
    return np.concatenate(points)


def solid_on_plane(meshes, *, centre, up, across, t):
    """Which nodes (up, across) of a plane lie in a mesh: parity of the crossings along rays in the plane."""
    normal = np.cross(across, up)
    inside = np.zeros((len(t), len(t)), bool)
    step = t[1] - t[0]
    for triangles in meshes:
        local = np.stack([(triangles - centre) @ axis for axis in (across, up, normal)], axis=-1)
        z = local[..., 2]
        cut = local[(z.min(axis=1) < 0) & (z.max(axis=1) >= 0)]
        if not len(cut):
            continue
        ends = []
        for corner in range(3):
            a, b = cut[:, corner], cut[:, (corner + 1) % 3]
            crosses = (a[:, 2] < 0) != (b[:, 2] < 0)
            with np.errstate(divide="ignore", invalid="ignore"):
                at = a + (a[:, 2] / (a[:, 2] - b[:, 2]))[:, None] * (b - a)
            ends.append(np.where(crosses[:, None], at[:, :2], np.nan))
        # Of three edges two cross; the third is not a number and sorts last.
        ends = np.stack(ends, axis=1)
        order = np.argsort(np.isnan(ends[..., 0]), axis=1, kind="stable")[:, :2]
        p, q = np.moveaxis(np.take_along_axis(ends, order[..., None], axis=1), 1, 0)
        toggles = np.zeros((len(t), len(t) + 1), np.int64)
        for (x0, y0), (x1, y1) in zip(p, q, strict=True):
            low, high = min(y0, y1), max(y0, y1)
            rows = np.arange(
                max(0, np.ceil((low - t[0]) / step)), min(len(t), np.ceil((high - t[0]) / step)), dtype=int
            )
            if len(rows):
                x = x0 + (t[rows] - y0) * (x1 - x0) / (y1 - y0)
                column = np.clip(np.ceil((x - t[0]) / step), 0, len(t)).astype(int)
                np.add.at(toggles, (rows, column), 1)
        inside |= np.cumsum(toggles, axis=1)[:, :-1] % 2 == 1
    return inside


class Foramen:
    """Sections of one foramen between closed surfaces, on given planes."""

    def __init__(self, meshes, *, centres, ups, acrosses):
        middle, reach = centres.mean(axis=0), 22.0
        near = [m[np.linalg.norm(m.mean(axis=1) - middle, axis=1) < reach] for m in meshes]
        self.tree = cKDTree(surface_points(np.concatenate(near)))
        self.meshes = [m for m, part in zip(meshes, near, strict=True) if len(part)]
        self.planes = list(zip(centres, ups, acrosses, strict=True))

    def _free(self, plane, t, within):
        """Distance of nodes from the surfaces, mm, negative in bone; -1 beyond `within` of the path."""
        centre, up, across = plane
        solid = solid_on_plane(self.meshes, centre=centre, up=up, across=across, t=t)
        wanted = (np.hypot(t[:, None], t[None, :]) <= within) & ~solid
        rows, columns = np.nonzero(wanted)
        distance = np.full(solid.shape, -1.0)
        distance[wanted] = self.tree.query(centre + t[rows, None] * up + t[columns, None] * across)[0]
        return distance

    def sections(self):
        """One `Section` per plane, None where it is open or blocked."""
        fine = np.arange(-NEAR_PATH_MM, NEAR_PATH_MM + 1e-9, 0.1)
        room = np.array([self._free(plane, fine, NEAR_PATH_MM).max() for plane in self.planes])
        # Planes are 0.5 mm apart: the mean over 2 mm of path.
        room = np.convolve(np.pad(room, 2, mode="edge"), np.full(5, 0.2), mode="valid")
        return [self._section(plane, wide) for plane, wide in zip(self.planes, room, strict=True)]

    def _section(self, plane, room):
        widest = min(room, 0.5 * WIDEST_CLEFT_MM / SHARES[-1])
        t = np.arange(-HALF_MM, HALF_MM + 1e-9, CENTRES_MM)
        distance = self._free(plane, t, HALF_MM)
        piece = None
        pixels = np.arange(-HALF_MM, HALF_MM + 1e-9, PIXEL_MM)
        centre, up, across = plane
        free = ~solid_on_plane(self.meshes, centre=centre, up=up, across=across, t=pixels)
        at = np.argwhere(free & (np.hypot(pixels[:, None], pixels[None, :]) < HALF_MM))
        found = []
        for share in SHARES:
            if piece is None:
                piece = _piece(distance > share * widest, np.hypot(t[:, None], t[None, :]))
            if piece is None:
                continue
            rows, columns = np.nonzero(piece & (distance > share * widest))
            reached = np.zeros(len(at), bool)
            for i, j in zip(rows, columns, strict=True):
                ball = (pixels[at[:, 0]] - t[i]) ** 2 + (pixels[at[:, 1]] - t[j]) ** 2
                reached |= ball < (distance[i, j] + CORNER_MM) ** 2
            inside = np.zeros(free.shape, bool)
            inside[tuple(at[reached].T)] = True
            found.append(_sizes(inside))
        if not found or widest < 0.4:
            return None
        # A share that finds a way out is stood for by the first that does not.
        found = [found[0]] * (len(SHARES) - len(found)) + found
        return Section(*np.mean(found, axis=0))


def _piece(wide, radius):
    labels, _ = ndimage.label(wide, structure=np.ones((3, 3)))
    near = labels[(radius < NEAR_PATH_MM) & (labels > 0)]
    if not len(near):
        return None
    piece = labels == np.bincount(near).argmax()
    return piece if radius[piece].max() <= OPEN_MM else None


def _sizes(inside):
    across, along = inside.sum(axis=1) * PIXEL_MM, inside.sum(axis=0) * PIXEL_MM
    rows = np.flatnonzero(across)
    third = (rows[-1] - rows[0]) / 3.0
    middle = across[round(rows[0] + third) : round(rows[-1] - third) + 1]
    return inside.sum() * PIXEL_MM**2, along.max(), middle.min()


def chord(meshes, *, start, direction, reach=20.0):
    """Free length through `start` along +-`direction` up to the first surface on either side, mm."""
    return sum(first_hit(meshes, start=start, direction=way, reach=reach) for way in (direction, -direction))


def first_hit(meshes, *, start, direction, reach=20.0):
    """Distance from `start` along `direction` to the first triangle, mm; infinite beyond `reach`."""
    best = np.inf
    for triangles in meshes:
        near = triangles[np.linalg.norm(triangles.mean(axis=1) - start, axis=1) < reach + 5.0]
        a, edge1, edge2 = near[:, 0], near[:, 1] - near[:, 0], near[:, 2] - near[:, 0]
        # Moeller and Trumbore 1997.
        h = np.cross(direction, edge2)
        det = np.einsum("ij,ij->i", edge1, h)
        with np.errstate(divide="ignore", invalid="ignore"):
            away = start - a
            u = np.einsum("ij,ij->i", away, h) / det
            q = np.cross(away, edge1)
            v = (q @ direction) / det
            t = np.einsum("ij,ij->i", edge2, q) / det
        hit = (np.abs(det) > 1e-12) & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0) & (t < reach)
        if hit.any():
            best = min(best, float(t[hit].min()))
    return best
