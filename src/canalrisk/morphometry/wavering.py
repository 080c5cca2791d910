"""Standard errors by simulation: edges that waver at random along the surface, redrawn many times from one seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr
from scipy import ndimage

from canalrisk.anatomy.spine import Array, Distance, Spine
from canalrisk.errors import UsageError
from canalrisk.field.grid import Grid
from canalrisk.morphometry.detectable import Z95, standard_error
from canalrisk.morphometry.edge import STRUCTURES, Edge, check_edge, edge_of, fields_of
from canalrisk.morphometry.interval import follows_edges
from canalrisk.morphometry.measure import measure
from canalrisk.morphometry.prepared import foramen_walls, prepare
from canalrisk.morphometry.surroundings import Surroundings, find_surroundings

# Beyond the edge by more than this no error reaches.
_NEAR_MM = 6.0


def simulated_standard_error(
    spine: Spine, *, edge_mm: Edge = None, wave_mm: float = 3.0, draws: int = 20, seed: int = 0
) -> xr.Dataset:
    """SEM of every index when edges waver independently at each segmentation.

    Parameters
    ----------
    spine : Spine
        As segmented.
    edge_mm : float or mapping, optional
        95 % limit of an edge's error, as in `measure_with_intervals`; its standard deviation is this / 1.96.
    wave_mm : float
        How far along the surface errors hang together: their correlation over a distance d is exp(-d^2 / (2 wave^2)).
    draws : int
        How many segmentations are simulated, 2 or more. The SEM of n draws is itself off by 1 / sqrt(2 (n - 1)).
    seed : int
        Same seed, same draws, whatever the number of threads.

    Returns
    -------
    xarray.Dataset
        As `standard_error`, without the indices that do not follow the edges (angles, calibres of arteries).

    Raises
    ------
    UsageError
        If an argument makes no sense.
    """
    check_edge(edge_mm)
    if draws < 2:
        raise UsageError(f"{draws} draws have no spread", where="draws", fix="give 2 or more; 20 gives the SEM to 16 %")
    if not 0.0 < wave_mm <= 50.0:
        raise UsageError(f"waves of {wave_mm:g} mm", where="wave_mm", fix="give a length above 0 and up to 50 mm")
    walls, surroundings = foramen_walls(spine), find_surroundings(spine)
    sem = standard_error(
        [_drawn(spine, walls, surroundings, edge_mm, wave_mm, [seed, number]) for number in range(draws)]
    )
    return sem.drop_vars([name for name in sem.data_vars if not follows_edges(str(name))])


def _drawn(
    spine: Spine,
    walls: tuple[Distance, ...],
    surroundings: Surroundings,
    edge_mm: Edge,
    wave_mm: float,
    seed: list[int],
) -> xr.Dataset:
    moved: dict[str, Distance] = {}
    shifted_walls = walls
    for number, name in enumerate(STRUCTURES):
        for part in fields_of(name):
            field = getattr(spine, part)
            if field is None:
                continue
            size = np.asarray(edge_of(name, field, grid=spine.grid, edge_mm=edge_mm), np.float32) / np.float32(Z95)
            error = size * waves(field, grid=spine.grid, wave_mm=wave_mm, seed=[*seed, number])
            moved[part] = field - error
            if part == "bone":
                # The discs are part of the wall and waver with the bone beside them.
                shifted_walls = tuple(wall - error for wall in walls)
    wavering = replace(spine, **moved)  # type: ignore[arg-type]  # all are distances
    return measure(prepare(wavering, walls=shifted_walls, surroundings=surroundings))


def waves(field: Distance, *, grid: Grid, wave_mm: float, seed: list[int]) -> Distance:
    """Smooth random numbers of unit variance near a structure's edge, 0 far from it.

    White noise under a Gaussian filter of standard deviation w has the correlation exp(-d^2 / (4 w^2)).

    Parameters
    ----------
    field : (nx, ny, nz) ndarray of float32
        Signed distance of the structure, mm.
    grid : Grid
        Its grid.
    wave_mm : float
        Correlation length, mm.
    seed : list of int
        Of the generator.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
    """
    out = np.zeros(field.shape, np.float32)
    near = np.abs(field) < _NEAR_MM
    if not near.any():
        return out
    box = ndimage.find_objects(near.astype(np.int8))[0]
    sigma: Array = wave_mm / np.sqrt(2.0) / grid.spacing
    # The filter's own reach is added all round, so that the box's rim is like its middle.
    pad = np.ceil(4.0 * sigma).astype(int)
    inner = [part.stop - part.start for part in box]
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(tuple(n + 2 * int(p) for n, p in zip(inner, pad, strict=True)), np.float32)
    smooth = ndimage.gaussian_filter(noise, sigma, truncate=4.0, mode="constant")
    part = smooth[tuple(slice(int(p), int(p) + n) for n, p in zip(inner, pad, strict=True))]
    # The variance left is the sum of the kernel's squares, the product over the axes.
    scale = np.prod([np.sqrt((_kernel(float(s)) ** 2).sum()) for s in sigma])
    out[box] = part / np.float32(scale)
    return out


def _kernel(sigma: float) -> Array:
    reach = int(4.0 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(weights / weights.sum(), np.float64)
