"""K-line: how far a mass on the anterior wall keeps from the line between the canal's middles at C2 and C7."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from canalrisk.anatomy.sections import negative_runs, offsets, sample_planes
from canalrisk.anatomy.spine import Array, Distance, Spine
from canalrisk.findings import Finding

UPPER, LOWER = "C2", "C7"


def k_line(spine: Spine, rays: Array, canal: Array, *, step: float) -> Array:
    """Offset of the K-line from the centreline on every section, mm, anterior positive.

    Parameters
    ----------
    spine : Spine
        Where.
    rays : (n, k, 3) ndarray
        Mid-sagittal line of every section, posterior to anterior, symmetric about the centreline, mm.
    canal : (n, k) ndarray
        Signed distance of the canal before the mass on it, mm.
    step : float
        Distance of its points, mm.

    Returns
    -------
    (n,) ndarray
        Not a number beyond C2 and C7, and everywhere where either lies beyond the sections.

    References
    ----------
    Fujiyoshi et al. 2008, Spine 33:E990-993: the line between the midpoints of the canal at C2 and C7 on lateral
    radiographs; on mid-sagittal CT as here, Ijima et al. 2017, J Spine Surg 3:403.
    """
    line = spine.centreline
    offset = np.full(len(line.s), np.nan)
    ends = [spine.landmarks.get(level, np.nan) for level in (LOWER, UPPER)]
    if not all(line.s[0] <= s <= line.s[-1] for s in ends):
        return offset
    t = offsets(0.5 * (rays.shape[1] - 1) * step, step)
    low, high = (_middle(line.points, line.anterior, canal, t, int(np.argmin(np.abs(line.s - s)))) for s in ends)
    between = (line.s >= ends[0]) & (line.s <= ends[1])
    way = high - low
    # Where the straight line meets each section's plane.
    share = np.einsum("ij,ij->i", line.points - low, line.tangent) / (line.tangent @ way)
    points = low + share[:, None] * way
    offset[between] = np.einsum("ij,ij->i", points - line.points, line.anterior)[between]
    return offset


def _middle(points: Array, anterior: Array, canal: Array, t: Array, index: int) -> Array:
    _, _, first, last = negative_runs(canal[index : index + 1], step=float(t[1] - t[0]))[0]
    return np.asarray(points[index] + (t[0] + 0.5 * (first + last)) * anterior[index])


def mass_at_k_line(
    spine: Spine, rays: Array, canal: Array, offset: Array, mass: Distance | None, *, step: float
) -> dict[str, Any]:
    """How far the mass's posterior margin keeps in front of the K-line.

    Parameters
    ----------
    spine, rays, canal, step
        As for `k_line`.
    offset : (n,) ndarray
        From `k_line`.
    mass : (nx, ny, nz) ndarray of float32, optional
        Signed distance of the mass, mm.

    Returns
    -------
    dict
        `k_line_margin` (n,) mm, negative beyond the line; `k_line_margin_min` mm; `k_line` ``positive``, ``negative``,
        ``none`` without such a mass, or ``unknown`` without the line. Only a mass that lies nearer to the anterior
        than to the posterior wall counts: the line was made for ossification of the posterior longitudinal ligament.
    """
    margin = np.full(len(offset), np.nan)
    if not np.isfinite(offset).any():
        return {"k_line_margin": margin, "k_line_margin_min": np.nan, "k_line": "unknown"}
    if mass is not None:
        taken = np.maximum(canal, sample_planes(mass, grid=spine.grid, points=rays))
        t = offsets(0.5 * (rays.shape[1] - 1) * step, step)
        for i in np.flatnonzero(np.isfinite(offset) & (taken < 0).any(axis=1)):
            back, front = _most_anterior_run(taken[i], t)
            wall = t[canal[i] < 0]
            if wall[-1] - front <= back - wall[0]:
                margin[i] = back - offset[i]
    if not np.isfinite(margin).any():
        return {"k_line_margin": margin, "k_line_margin_min": np.nan, "k_line": "none"}
    least = float(np.nanmin(margin))
    return {"k_line_margin": margin, "k_line_margin_min": least, "k_line": "positive" if least >= 0 else "negative"}


def _most_anterior_run(level: Array, t: Array) -> tuple[float, float]:
    """Posterior end (linear crossing) and last inside sample of the run of negative values nearest to the front."""
    last = int(np.flatnonzero(level < 0)[-1])
    outside = np.flatnonzero(level[:last] >= 0)
    first = int(outside[-1]) + 1 if len(outside) else 0
    if first == 0:
        return float(t[0]), float(t[last])
    a, b = level[first - 1], level[first]
    return float(t[first - 1] + (t[first] - t[first - 1]) * a / (a - b)), float(t[last])


def k_line_findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """Say what the K-line means for this mass.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `measure`; one time only.

    Returns
    -------
    tuple of Finding
        ``K-LINE-NEGATIVE`` where the mass reaches beyond the line, ``K-LINE-NOT-ANTERIOR`` where none lies nearer to
        the anterior wall.
    """
    said = str(dataset["k_line"].item())
    if said == "negative":
        message = (
            f"The mass reaches {-dataset['k_line_margin_min'].item():.1f} mm beyond the K-line (supine scan): the cord "
            "may stay bent over it after a posterior decompression."
        )
        return (Finding("K-LINE-NEGATIVE", "warning", "C2-C7", message),)
    if said == "none":
        message = "No mass lies nearer to the anterior wall of the canal in the midline: the K-line does not apply."
        return (Finding("K-LINE-NOT-ANTERIOR", "info", "C2-C7", message),)
    return ()
