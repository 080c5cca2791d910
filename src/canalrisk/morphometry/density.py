"""Density of a mass on CT: statistics, calcified volume, and fluid with or without a level of sediment in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from canalrisk.anatomy.spine import Array, Spine
from canalrisk.evidence import Evidence, recalled_findings, value
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.morphometry.nearness import Mass, mass_of

Mask = NDArray[np.bool_]

# Smaller pockets are noise or partial volume: a cube of about 2.7 mm.
LEAST_POCKET_MM3 = 20.0
# A level of sediment: half of what lies under the fluid is calcified, and the boundary is this flat.
_SEDIMENT_SHARE, _FLAT_MM, _FEWEST_COLUMNS = 0.5, 1.0, 9
_QUANTILES = {"mass_hu_p05": 0.05, "mass_hu_median": 0.5, "mass_hu_p95": 0.95}
_WHOLE = np.ones((3, 3, 3), bool)
# Patients lie on their back in the scanner: what sinks, sinks posteriorly.
_DOWN = np.array([0.0, -1.0, 0.0])


def measure_density(spine: Spine, image: NDArray[np.float32] | None) -> tuple[dict[str, float], tuple[Finding, ...]]:
    """Measure today's mass on its CT.

    Parameters
    ----------
    spine : Spine
        With today's mass.
    image : (nx, ny, nz) ndarray of float32, optional
        CT on the spine's grid, HU.

    Returns
    -------
    values : dict
        The ``mass_hu_...``, ``mass_calcified_volume``, ``mass_dense_volume`` and ``mass_fluid_volume`` variables; NaN
        without a CT or a mass.
    findings : tuple of Finding
        ``MASS-FLUID`` and ``MASS-FLUID-LEVEL``, with thresholds and their sources.
    """
    mass = mass_of(spine.mass, grid=spine.grid)
    names = ("mass_hu_mean", "mass_hu_sd", *_QUANTILES, "mass_calcified_volume", "mass_dense_volume")
    if mass is None or image is None:
        return dict.fromkeys((*names, "mass_fluid_volume"), float("nan")), ()
    hu = np.asarray(image[mass.window], np.float64)
    inside = (mass.near < 0) & np.isfinite(hu)
    if not inside.any():
        return dict.fromkeys((*names, "mass_fluid_volume"), float("nan")), ()
    values = hu[inside]
    calcium, dense, fluid = (
        value("risk", f"density.{name}") for name in ("calcium_threshold", "dense_calcium", "fluid")
    )
    voxel = mass.local.voxel_volume
    found = {
        "mass_hu_mean": float(values.mean()),
        "mass_hu_sd": float(values.std()),
        **{name: float(np.quantile(values, q)) for name, q in _QUANTILES.items()},
        "mass_calcified_volume": float((values >= calcium.value).sum() * voxel),
        "mass_dense_volume": float((values >= dense.value).sum() * voxel),
    }
    pockets, sizes = fluid_pockets(mass, hu, fluid=fluid, calcified=calcium.value)
    found["mass_fluid_volume"] = float(sum(sizes))
    if not sizes:
        return found, ()
    levels = [
        k for k in range(1, len(sizes) + 1) if has_sediment(pockets == k, hu, mass.local, calcified=calcium.value)
    ]
    told = _told(sizes, levels, fluid, calcium)
    return found, (*told, *recalled_findings((calcium, fluid), where="mass on CT"))


def fluid_pockets(mass: Mass, hu: Array, *, fluid: Evidence, calcified: float) -> tuple[NDArray[np.intp], list[float]]:
    """Label the pockets of fluid density in a mass and give their volumes, mm3, the largest first.

    A voxel's density is the median of its 27 neighbours: noise would break a pocket into pieces. At a pocket's edge
    the median is drawn out of the narrow range of fluid: neighbours below the middle between fluid and calcium belong
    to it too. What lies for the most part within a voxel of the mass's edge is partial volume, and no pocket.
    """
    smooth = ndimage.median_filter(hu, size=3, mode="nearest")
    inside = mass.near < 0
    wet = (smooth >= fluid.low) & (smooth <= fluid.high) & inside
    labels, count = ndimage.label(wet, structure=_WHOLE)
    voxels = np.bincount(labels.ravel(), minlength=count + 1)
    deep = np.bincount(labels[mass.near < -float(mass.local.spacing.max())].ravel(), minlength=count + 1)
    softer = inside & (smooth < 0.5 * (fluid.high + calcified))
    pockets = []
    for k in range(1, count + 1):
        if voxels[k] * mass.local.voxel_volume >= LEAST_POCKET_MM3 and deep[k] >= 0.5 * voxels[k]:
            pocket = labels == k
            pockets.append(pocket | (ndimage.binary_dilation(pocket, structure=_WHOLE) & softer))
    pockets.sort(key=lambda pocket: -int(pocket.sum()))
    out = np.zeros_like(labels)
    for number, pocket in enumerate(pockets, start=1):
        out[pocket & (out == 0)] = number
    return out, [float((out == number).sum() * mass.local.voxel_volume) for number in range(1, len(pockets) + 1)]


def has_sediment(pocket: Mask, hu: Array, grid: Grid, *, calcified: float) -> bool:
    """Whether a pocket of fluid ends below in a flat, calcified level, the patient lying on the back.

    Under each column of the pocket the voxel beyond its lowest one is looked at (two further on, past the partial
    volume of the level itself); heights are those of the lowest voxels along the world's antero-posterior axis.
    """
    along = grid.affine[:3, :3].T @ _DOWN / grid.spacing
    axis = int(np.argmax(np.abs(along)))
    step = int(np.sign(along[axis]))
    wet = np.moveaxis(pocket, axis, 0)[::step]
    density = np.moveaxis(hu, axis, 0)[::step]
    columns = wet.any(axis=0)
    lowest = wet.shape[0] - 1 - wet[::-1].argmax(axis=0)
    where = np.argwhere(columns)
    low = lowest[columns]
    under = np.minimum(low + 2, wet.shape[0] - 1)
    hard = density[under, where[:, 0], where[:, 1]] >= calcified
    if len(low) < _FEWEST_COLUMNS or hard.mean() < _SEDIMENT_SHARE:
        return False
    index = np.empty((len(low), 3))
    index[:, [k for k in range(3) if k != axis]] = where
    index[:, axis] = low if step > 0 else wet.shape[0] - 1 - low
    height = grid.to_world(index[hard]) @ _DOWN
    spread = float(np.quantile(height, 0.9) - np.quantile(height, 0.1))
    return spread <= max(_FLAT_MM, 1.5 * float(grid.spacing[axis]))


def _told(sizes: list[float], levels: list[int], fluid: Evidence, calcium: Evidence) -> list[Finding]:
    many = f"{len(sizes)} pockets" if len(sizes) > 1 else "A pocket"
    message = (
        f"{many} of fluid density ({fluid.low:g} to {fluid.high:g} HU, {fluid.source}, {fluid.status}) in the mass, "
        f"{sum(sizes):.0f} mm3 in all."
    )
    findings = [Finding("MASS-FLUID", "info", "mass on CT", message)]
    if levels:
        known = value("risk", "tc.fluid_calcium_level")
        message = (
            f"Fluid over a flat calcified level (from {calcium.value:g} HU, {calcium.source}) in {len(levels)} of "
            f"{len(sizes)} pockets, the patient taken to lie on the back: the sedimentation sign, seen in 4 of "
            f"{known.n} patients with tumoral calcinosis ({known.source}, {known.status})."
        )
        findings.append(Finding("MASS-FLUID-LEVEL", "warning", "mass on CT", message))
    return findings
