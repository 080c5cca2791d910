"""Sweep a disc section along a curve, fitting it to an outline at every station."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from canalrisk.errors import GeometryError
from canalrisk.mesh.hexmesh import Array, HexMesh
from canalrisk.mesh.ogrid import DiscSection


def ellipse_outlines(
    section: DiscSection, *, half_widths: ArrayLike, half_depths: ArrayLike, centres: ArrayLike | None = None
) -> Array:
    """Outlines of ellipses at the section's ring nodes.

    Parameters
    ----------
    section : DiscSection
        Disc mesh whose ring is placed on the ellipses.
    half_widths, half_depths : (p,) array_like
        Semi-axes to the right and anteriorly, mm.
    centres : (p, 2) array_like, optional
        Centres in the section planes (right, anterior), mm.

    Returns
    -------
    (p, r, 2) ndarray
        Ring nodes in plane coordinates (right, anterior), mm.
    """
    width, depth = np.broadcast_arrays(np.asarray(half_widths, float), np.asarray(half_depths, float))
    angle = section.ring_angle
    outline = np.stack((width[:, None] * np.cos(angle), depth[:, None] * np.sin(angle)), axis=-1)
    if centres is not None:
        outline = outline + np.asarray(centres, float)[:, None, :]
    return outline


def sweep_section(section: DiscSection, *, origins: Array, right: Array, anterior: Array, outlines: Array) -> HexMesh:
    """Stack the section along a curve.

    The disc goes to a plane by the affine map of the outline's best ellipse plus the outline's deviation from
    it times the squared disc radius: exact for ellipses, smooth at the axis, and on the outline at radius 1.

    Parameters
    ----------
    section : DiscSection
        Disc mesh.
    origins, right, anterior : (p, 3) ndarray
        Station points and unit axes of the section planes, mm; ``right x anterior`` points to the next station.
    outlines : (p, r, 2) ndarray
        Outline at the ring nodes in plane coordinates (right, anterior), mm.

    Returns
    -------
    HexMesh
        With node set ``ends``, node data ``disc``, cell data ``layer``.

    Raises
    ------
    GeometryError
        If fewer than two stations are given or a station does not advance along its tangent.
    """
    stations, size = len(origins), len(section.points)
    if stations < 2 or outlines.shape != (stations, len(section.ring), 2):
        raise GeometryError(
            f"outlines of shape {outlines.shape} do not fit {stations} stations with {len(section.ring)} ring nodes",
            where="mesh.sweep_section",
            fix="give one outline of ring nodes per station and at least two stations",
        )
    tangent = np.cross(right, anterior)
    if np.any(np.einsum("ij,ij->i", np.diff(origins, axis=0), tangent[:-1]) <= 0):
        raise GeometryError(
            "stations do not advance along the section normals",
            where="mesh.sweep_section",
            fix="order stations along right x anterior and space them wider than the curve's wobble",
        )
    angle = section.ring_angle
    centre = outlines.mean(axis=1)
    # First harmonics of the outline: the affine part of the map, columns for cos and sin.
    cosine = 2.0 * (outlines * np.cos(angle)[:, None]).mean(axis=1)
    sine = 2.0 * (outlines * np.sin(angle)[:, None]).mean(axis=1)
    disc_radius = np.linalg.norm(section.points, axis=1)
    plane = (
        centre[:, None, :]
        + section.points[None, :, :1] * cosine[:, None, :]
        + section.points[None, :, 1:] * sine[:, None, :]
    )
    deviation = outlines - (
        centre[:, None, :] + np.cos(angle)[:, None] * cosine[:, None, :] + np.sin(angle)[:, None] * sine[:, None, :]
    )
    disc_angle = np.arctan2(section.points[:, 1], section.points[:, 0])
    position = ((disc_angle - angle[0]) / (2.0 * np.pi) * len(angle)) % len(angle)
    low = np.floor(position + 1e-9).astype(int) % len(angle)
    part = np.clip(position - np.floor(position + 1e-9), 0.0, 1.0)[:, None]
    between = (1.0 - part) * deviation[:, low] + part * deviation[:, (low + 1) % len(angle)]
    plane = plane + (disc_radius**2)[:, None] * between
    points = origins[:, None, :] + plane[..., :1] * right[:, None, :] + plane[..., 1:] * anterior[:, None, :]

    step = size * np.arange(stations - 1)[:, None, None]
    cells = np.concatenate((section.quads + step, section.quads + size + step), axis=-1).reshape(-1, 8)
    ring = section.ring
    after = np.roll(ring, -1)
    quads = np.stack((ring, after, after + size, ring + size), axis=-1)
    nodes = np.arange(stations * size)
    return HexMesh(
        points=np.ascontiguousarray(points.reshape(-1, 3)),
        cells=np.ascontiguousarray(cells, dtype=np.int64),
        surface=np.ascontiguousarray((quads + step).reshape(-1, 4), dtype=np.int64),
        node_sets={"ends": nodes[(nodes < size) | (nodes >= (stations - 1) * size)]},
        section_size=size,
        n_sections=stations,
        cell_data={"layer": np.repeat(np.arange(stations - 1), len(section.quads))},
        node_data={"disc": np.tile(section.points, (stations, 1))},
    )
