"""Segmentations with errors: a label map as a tool or a hurried rater might have drawn it, to a Dice coefficient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from canalrisk.errors import UsageError
from canalrisk.field import signed_distance
from canalrisk.field.grid import Grid
from canalrisk.imaging.labelmap import LabelMap

Mask = NDArray[np.bool_]
Field = NDArray[np.float32]
Kind = Literal["noise", "grown", "shrunk", "chips"]

KINDS: Final[tuple[Kind, ...]] = ("noise", "grown", "shrunk", "chips")
CONTENT: Final = ("canal", "sac", "cord")
_NESTED: Final = {
    "canal": ("canal", "epidural", "canal_content", "csf", "cord", "cord_or_sac"),
    "sac": ("csf", "cord"),
    "cord": ("cord",),
}
# A rater's hand wavers over a few millimetres, not from voxel to voxel.
_WAVE_MM = 3.0
_BIAS, _BIASED_NOISE = 1.0, 0.5
_CHIPS, _CHIP_MM, _CHIP_DEPTH = 12, 2.0, 5.0
_ISLANDS, _ISLAND_MM = 4, 1.2
_BAND_MM = 6.0
_MOST_MM = 4.0
_STEPS = 12


def dice_of(first: Mask, second: Mask) -> float:
    """Dice coefficient of two masks; 1 where both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 1.0 if total == 0 else 2.0 * int((first & second).sum()) / total


def structure_masks(labelmap: LabelMap) -> dict[str, Mask]:
    """Masks of ``bone``, ``canal``, ``sac``, ``cord`` and ``mass``, as far as they are there."""
    bone = [name for name in labelmap.table.entries.values() if name.startswith("vertebra:")]
    masks = {"bone": labelmap.mask(*bone)} | {name: labelmap.mask(*names) for name, names in _NESTED.items()}
    mass = labelmap.mask("mass") if labelmap.mass is None else labelmap.mass
    return {name: mask for name, mask in (masks | {"mass": mass}).items() if mask.any()}


def damaged(labelmap: LabelMap, *, kind: Kind, dice: float | Mapping[str, float], seed: int) -> LabelMap:
    """Redraw bone, canal, sac, cord and mass with errors.

    Parameters
    ----------
    labelmap : LabelMap
        Held for true; the mass, if any, in a mask of its own.
    kind : {"noise", "grown", "shrunk", "chips"}
        ``noise``: edges waver with waves of about 3 mm. ``grown``, ``shrunk``: they are off to one side as well, twice
        as far as they waver. ``chips``: they waver, and bits of about 2 mm are missing or added, with islands beside
        bone and mass.
    dice : float or mapping of str to float
        Dice coefficient that each structure is to have against the original before neighbours compete for voxels
        (the deeper claim wins); structures that a mapping leaves out stay as they are.
    seed : int
        Same seed, same errors.

    Returns
    -------
    LabelMap
        Discs and what else was labelled stay where nothing claims their place.

    Raises
    ------
    UsageError
        If the kind is unknown, a Dice coefficient is not in (0, 1], or the mass is a label of the map.
    """
    wanted = dict.fromkeys(("bone", *CONTENT, "mass"), dice) if isinstance(dice, float | int) else dict(dice)
    if kind not in KINDS:
        raise UsageError(f"no kind of error '{kind}'", where="kind", fix=f"one of {', '.join(KINDS)}")
    if not all(0.0 < value <= 1.0 for value in wanted.values()):
        raise UsageError("a Dice coefficient out of range", where="dice", fix="give fractions above 0 and up to 1")
    if labelmap.mass is None and labelmap.mask("mass").any():
        raise UsageError("the mass is a label of the map", where="mass", fix="give it as a mask of its own")
    masks = structure_masks(labelmap)
    redrawn = bool(wanted.keys() & {"bone", *CONTENT})
    levels = {
        name: _redrawn(mask, wanted.get(name, 1.0), kind, [seed, number], name, labelmap.grid)
        for number, (name, mask) in enumerate(masks.items())
        if name in wanted or (name != "mass" and redrawn)
    }
    labels = _painted(labelmap, levels) if redrawn else labelmap.labels
    mass = levels["mass"] < 0 if "mass" in levels else labelmap.mass
    return replace(labelmap, labels=labels, mass=mass)


def _redrawn(mask: Mask, dice: float, kind: Kind, seed: list[int], name: str, grid: Grid) -> Field:
    """Level set, negative in the mask redrawn with the Dice coefficient asked for."""
    level = signed_distance(mask, grid=grid, band=_BAND_MM)
    if dice >= 1.0:
        return level
    rng = np.random.default_rng(seed)
    error = _waves(rng, grid)
    if kind in ("grown", "shrunk"):
        error = np.float32(_BIAS if kind == "grown" else -_BIAS) + np.float32(_BIASED_NOISE) * error
    islands = np.full(grid.shape, _BAND_MM, np.float32)
    if kind == "chips":
        error += _bumps(rng, level, grid)
        if name in ("bone", "mass"):
            islands = _islands(rng, level, grid)
    # Far from the edge nothing changes, whatever the size of the error.
    near = np.flatnonzero(np.abs(level) < _BAND_MM)
    at, way, drawn = level.ravel()[near], error.ravel()[near], mask.ravel()[near]
    island = islands.ravel()[near] < 0
    deep = int(mask.sum()) - int(drawn.sum())
    low, high = 0.0, _MOST_MM
    for _ in range(_STEPS):
        size = 0.5 * (low + high)
        redrawn = (at < np.float32(size) * way) | island
        common, both = deep + int((redrawn & drawn).sum()), 2 * deep + int(redrawn.sum()) + int(drawn.sum())
        low, high = (size, high) if 2.0 * common / both > dice else (low, size)
    return np.minimum(level - np.float32(low) * error, islands)


def _waves(rng: np.random.Generator, grid: Grid) -> Field:
    noise = ndimage.gaussian_filter(rng.standard_normal(grid.shape, np.float32), _WAVE_MM / grid.spacing, mode="wrap")
    return np.asarray(noise / noise.std(), np.float32)


def _bumps(rng: np.random.Generator, level: Field, grid: Grid) -> Field:
    """Dents and bumps on the edge, in units of the waves' standard deviation."""
    out = np.zeros(grid.shape, np.float32)
    edge = np.argwhere(np.abs(level) < 0.5 * grid.spacing.max())
    for centre in edge[rng.integers(0, len(edge), _CHIPS)]:
        box, away = _around(centre, 3.0 * _CHIP_MM, grid)
        out[box] += np.float32(rng.choice([-1.0, 1.0]) * _CHIP_DEPTH) * np.exp(-0.5 * (away / _CHIP_MM) ** 2)
    return out


def _islands(rng: np.random.Generator, level: Field, grid: Grid) -> Field:
    """Level set of small balls 2 to 4 mm off the structure."""
    out = np.full(grid.shape, _BAND_MM, np.float32)
    beside = np.argwhere((level > 2.0) & (level < 4.0))
    for centre in beside[rng.integers(0, len(beside), _ISLANDS)]:
        box, away = _around(centre, 3.0 * _ISLAND_MM, grid)
        out[box] = np.minimum(out[box], away - _ISLAND_MM)
    return out


def _around(centre: NDArray[np.int64], reach: float, grid: Grid) -> tuple[tuple[slice, ...], Field]:
    """Box about a voxel, and the distance from it there, mm."""
    steps = np.ceil(reach / grid.spacing).astype(int)
    low, high = np.maximum(centre - steps, 0), np.minimum(centre + steps + 1, grid.shape)
    axes = [(np.arange(a, b) - c) * h for a, b, c, h in zip(low, high, centre, grid.spacing, strict=True)]
    away = np.sqrt(sum(part**2 for part in np.meshgrid(*axes, indexing="ij")))
    return tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True)), np.asarray(away, np.float32)


def _painted(labelmap: LabelMap, levels: dict[str, Field]) -> NDArray[np.integer]:
    """Labels of the redrawn structures over what else the map holds."""
    names = labelmap.table.entries
    value_of = {name: value for value, name in names.items()}
    old = labelmap.labels
    vertebra = np.isin(old, [value for value, name in names.items() if name.startswith("vertebra:")])
    content = np.isin(old, [value for value, name in names.items() if name in _NESTED["canal"]])
    new = np.where(vertebra | content, 0, old)
    bone, canal = levels["bone"], levels.get("canal")
    nearest = ndimage.distance_transform_edt(~vertebra, return_distances=False, return_indices=True)
    owner = old[tuple(nearest)]
    bony = bone < 0 if canal is None else (bone < 0) & (bone <= canal)
    new[bony] = owner[bony]
    if canal is None:
        return new
    inside = (canal < 0) & ~bony
    outer = next(name for name in ("epidural", "canal_content", "canal") if name in value_of)
    new[inside] = value_of[outer]
    for name, label in (("sac", "csf"), ("cord", "cord")):
        if name in levels and label in value_of:
            new[inside & (levels[name] < 0)] = value_of[label]
    return new
