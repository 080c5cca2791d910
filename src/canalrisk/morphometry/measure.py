"""Indices of one snapshot: canal, cord, mass and foramina, with units and definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from canalrisk.anatomy.sections import STEP_MM, negative_runs, plane_moments, sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Distance, Spine
from canalrisk.field import volume
from canalrisk.findings import Finding
from canalrisk.growth.timeline import Snapshot
from canalrisk.morphometry.arteries import measure_vessels
from canalrisk.morphometry.artery_findings import vessel_findings
from canalrisk.morphometry.bylevel import LEVEL, by_level, level_names
from canalrisk.morphometry.clearance import clearance
from canalrisk.morphometry.compromise import compromise
from canalrisk.morphometry.foramina import SIDES, foramen_indices, foramen_names
from canalrisk.morphometry.kline import k_line_findings, mass_at_k_line
from canalrisk.morphometry.mass import measure_mass
from canalrisk.morphometry.nearness import mass_of
from canalrisk.morphometry.prepared import RAY_STEP_MM, SAGITTAL_DEGREES, Prepared, prepare
from canalrisk.morphometry.sct import sct_compromise, sct_findings
from canalrisk.morphometry.variables import as_dataset
from canalrisk.morphometry.zscores import against_healthy

Progress = Callable[[float, str], None]

# The wall opposite the mass is bone when bone lies this near, mm: about two voxels.
_AT_BONE_MM = 1.0
_WORLD = {
    "x": "patient's right, in the input's world frame",
    "y": "anterior, in the input's world frame",
    "z": "superior, in the input's world frame",
}


def measure(
    subject: Prepared | Spine, snapshot: Snapshot | None = None, *, progress: Progress | None = None
) -> xr.Dataset:
    """Measure one snapshot.

    Parameters
    ----------
    subject : Prepared or Spine
        `Prepared` where many snapshots follow.
    snapshot : Snapshot, optional
        The mass at one time; today's mass of the spine where not given.
    progress : callable, optional
        Called as ``progress(fraction, message)``.

    Returns
    -------
    xarray.Dataset
        Dims ``section`` (coordinates `s_mm`, `x_mm`, `y_mm`, `z_mm`, `level`), ``vertebral_level`` (vertebrae and
        discs; coordinate `level_s_mm`), ``foramen`` (coordinate `root`), ``side``, ``vertebra``; every variable
        carries `units`, `long_name` and `definition`.
    """
    tell = progress or (lambda fraction, message: None)
    prepared = subject if isinstance(subject, Prepared) else prepare(subject)
    spine = prepared.spine
    mass = spine.mass if snapshot is None else snapshot.mass
    tell(0.0, "mass in the canal")
    values: dict[str, Any] = dict(prepared.fixed) | _sections(prepared, mass)
    values |= prepared.whole | by_level(values, spine)
    values |= against_healthy(values, spine, sex=prepared.sex)
    loss = values["cord_area_loss_measured"]
    values["cord_area_loss_measured_max"] = float(np.nanmax(loss)) if np.isfinite(loss).any() else np.nan
    tell(0.5, "compromise and clearance")
    values |= _worst(prepared, values, mass)
    values |= _as_toolbox(prepared, values)
    middle = len(SAGITTAL_DEGREES) // 2
    rays, canal_rays = prepared.rays[:, middle], prepared.canal_rays[:, middle]
    values |= mass_at_k_line(spine, rays, canal_rays, values["k_line_offset"], mass, step=RAY_STEP_MM)
    values |= _mass(spine, mass)
    ready = mass_of(mass, grid=spine.grid)
    values |= measure_mass(spine, prepared.neighbours, ready) | prepared.surroundings.today
    values |= measure_vessels(spine, prepared.surroundings.vessels, ready)
    tell(0.7, "foramina")
    names, roots = foramen_names(spine)
    values |= foramen_indices(prepared, names, mass)
    tell(1.0, "measured")
    coords = {
        "section": (
            "section",
            np.arange(len(spine.centreline.s)),
            _attrs("1", "section", "number of the section across the canal's centreline, caudal to cranial"),
        ),
        "s_mm": (
            "section",
            spine.centreline.s,
            _attrs("mm", "arc length", "along the centreline, increasing cranially"),
        ),
        **{
            f"{axis}_mm": ("section", spine.centreline.points[:, k], _attrs("mm", f"{axis} of the centreline", way))
            for k, (axis, way) in enumerate(_WORLD.items())
        },
        "level": ("section", np.array(prepared.level), _attrs("", "level", "vertebra or disc nearest to the section")),
        LEVEL: (
            LEVEL,
            np.array(level_names(spine), str),
            _attrs("", "vertebral level", "vertebra or disc, cranial to caudal"),
        ),
        "level_s_mm": (
            LEVEL,
            np.array([spine.landmarks[name] for name in level_names(spine)]),
            _attrs(
                "mm", "arc length of the level", "middle of the vertebra's body or of the disc along the centreline"
            ),
        ),
        "foramen": ("foramen", np.array(names, str), _attrs("", "foramen", "named after the vertebrae around it")),
        "side": ("side", np.array(SIDES), _attrs("", "side", "of the patient")),
        "vertebra": ("vertebra", np.array(spine.levels, str), _attrs("", "vertebra", "cranial to caudal")),
        "root": ("foramen", np.array(roots, str), _attrs("", "root", "root that leaves through the foramen")),
    }
    return as_dataset(values, coords=coords)


def measure_findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """Say what a reader of one measured snapshot must know.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `measure`; one time only.

    Returns
    -------
    tuple of Finding
        ``MCC-ONE-SIDED`` and ``MCC-NO-REFERENCE``, ``SCT-ONE-SIDED`` and ``SCT-REFERENCE-IN-MASS``, and
        ``K-LINE-NEGATIVE`` and ``K-LINE-NOT-ANTERIOR``; those of
        `vessel_findings`.
    """
    return (*vessel_findings(dataset), *_reference_findings(dataset))


def _reference_findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    if str(dataset["worst_level"].item()) == "none":
        return ()
    return (*_mcc_findings(dataset), *sct_findings(dataset), *k_line_findings(dataset))


def _mcc_findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    known = [bool(np.isfinite(dataset[name].item())) for name in ("s_above", "s_below")]
    where = str(dataset["worst_level"].item())
    if all(known):
        return ()
    if not any(known):
        message = "No section lies 5 mm beyond the mass: MCC has no healthy reference and is not given."
        return (Finding("MCC-NO-REFERENCE", "warning", where, message),)
    message = (
        f"MCC is compared with a healthy section {'above' if known[0] else 'below'} only; the other side has none."
    )
    return (Finding("MCC-ONE-SIDED", "warning", where, message),)


def _sections(prepared: Prepared, mass: Distance | None) -> dict[str, Array]:
    n = len(prepared.spine.centreline.s)
    fixed = prepared.fixed
    middle = len(SAGITTAL_DEGREES) // 2
    area, ratio, ray = np.zeros(n), np.zeros(n), np.zeros(n)
    residual, chord, free = fixed["canal_ap"].copy(), fixed["canal_ap"].copy(), fixed["canal_ap"].copy()
    near = np.zeros(0, int) if mass is None else _reached(prepared, mass)
    if len(near) and mass is not None:
        grid = prepared.spine.grid
        canal = prepared.canal[near]
        planes = sample_planes(mass, grid=grid, points=prepared.points[near])
        area[near] = plane_moments(np.maximum(canal, planes), step=STEP_MM)[0]
        lines = sample_planes(mass, grid=grid, points=prepared.rays[near])
        empty = prepared.canal_rays[near]
        shape = (len(near), len(SAGITTAL_DEGREES))
        whole = _runs(empty)[:, 1].reshape(shape)
        taken = _runs(np.maximum(empty, lines))[:, 0].reshape(shape)
        left = _runs(np.maximum(empty, -lines))[:, 1].reshape(shape)
        share = np.where(whole > 0, taken / np.where(whole > 0, whole, 1.0), 0.0)
        best = np.argmax(share, axis=1)
        best[share.max(axis=1) <= 0] = middle
        rows = np.arange(len(near))
        ratio[near], ray[near] = np.clip(share[rows, best], 0.0, 1.0), SAGITTAL_DEGREES[best]
        chord[near], free[near] = whole[rows, best], left[rows, best]
        residual[near] = left[:, middle]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_area = np.where(fixed["canal_area"] > 0, area / fixed["canal_area"], np.nan)
    return {
        "mass_area_in_canal": area,
        "residual_canal_area": fixed["canal_area"] - area,
        "residual_canal_ap": residual,
        "occupying_ratio": ratio,
        "occupying_ratio_area": by_area,
        "occupying_ray": ray,
        "canal_ap_on_ray": chord,
        "sac_width": free,
    }


def _reached(prepared: Prepared, mass: Distance) -> np.ndarray[Any, np.dtype[np.intp]]:
    # A section needs a look only when the mass is nearer to its centre than the canal is wide.
    centre = sample_planes(mass, grid=prepared.spine.grid, points=prepared.spine.centreline.points)
    wide = 0.75 * prepared.fixed["canal_rl"] + 2.0
    return np.flatnonzero((centre < wide) | (wide >= BAND_MM))


def _runs(values: Array) -> Array:
    return negative_runs(values.reshape(-1, values.shape[-1]), step=RAY_STEP_MM)


def _worst(prepared: Prepared, values: dict[str, Any], mass: Distance | None) -> dict[str, Any]:
    s = prepared.spine.centreline.s
    touched = values["mass_area_in_canal"] > 0
    ratio = values["occupying_ratio"]
    found: dict[str, Any] = {
        "occupying_ratio_max": float(ratio.max()),
        "occupying_ratio_area_max": float(np.nanmax(values["occupying_ratio_area"])),
    }
    score = ratio + 1e-3 * np.nan_to_num(values["occupying_ratio_area"])
    worst = int(np.argmax(np.where(touched, score, -1.0)))
    narrow = (
        int(np.argmin(np.where(touched, values["sac_width"], np.inf)))
        if touched.any()
        else int(np.argmin(values["sac_width"]))
    )
    found["sac_min"] = float(values["sac_width"][narrow])
    found["sac_wall"] = _wall(prepared, narrow, float(values["occupying_ray"][narrow]), mass)
    found["worst_level"] = prepared.level[worst] if touched.any() else "none"
    found["worst_s"] = float(s[worst]) if touched.any() else np.nan
    found["mcc"], above, below = compromise(values["residual_canal_ap"], touched, worst, s=s)
    before = float(values["canal_ap"][worst])
    if not touched.any():
        found["mcc_prelesion"] = found["mcc"]
    else:
        found["mcc_prelesion"] = 1.0 - float(values["residual_canal_ap"][worst]) / before if before > 0 else np.nan
    found["mscc"], _, _ = compromise(values["cord_ap_measured"], touched, worst, s=s)
    found["s_above"] = float(s[above]) if above is not None else np.nan
    found["s_below"] = float(s[below]) if below is not None else np.nan
    return found


def _as_toolbox(prepared: Prepared, values: dict[str, Any]) -> dict[str, float]:
    """Canal and cord compromise as the Spinal Cord Toolbox: site and references its own, the canal's diameter ours."""
    s = prepared.spine.centreline.s
    touched = values["mass_area_in_canal"] > 0
    found: dict[str, float] = {}
    for name, diameter in (("mcc_sct", "residual_canal_ap"), ("mscc_sct", "cord_ap_ellipse_measured")):
        size = values[diameter]
        value, site, above, below = (0.0 if np.isfinite(size).any() else np.nan), np.nan, np.nan, np.nan
        if touched.any():
            worst = int(np.argmin(np.where(touched & np.isfinite(size), size, np.inf)))
            value, above, below = sct_compromise(size, worst, s=s)
            site = float(s[worst]) if np.isfinite(size[worst]) else np.nan
        found |= {name: value, f"{name}_s": site, f"{name}_above": above, f"{name}_below": below}
    return found


def _wall(prepared: Prepared, index: int, degrees: float, mass: Distance | None) -> str:
    """Name what bounds the free run of a section's ray on the side away from the mass."""
    spine = prepared.spine
    line = prepared.rays[index, int(np.argmin(np.abs(SAGITTAL_DEGREES - degrees)))]
    canal = prepared.canal_rays[index, int(np.argmin(np.abs(SAGITTAL_DEGREES - degrees)))]
    at_mass = np.full(len(line), BAND_MM) if mass is None else sample_planes(mass, grid=spine.grid, points=line)
    _, longest, first, last = negative_runs(np.maximum(canal, -at_mass)[None], step=RAY_STEP_MM)[0]
    if longest <= 0:
        return "none"
    ends = np.array([first, last]) / RAY_STEP_MM
    points = np.stack([[np.interp(end, np.arange(len(line)), line[:, k]) for k in range(3)] for end in ends])
    # The end further from the mass is the wall.
    far = int(np.argmax(np.interp(ends, np.arange(len(line)), at_mass)))
    if float(sample_planes(spine.bone, grid=spine.grid, points=points[far][None])[0]) <= _AT_BONE_MM:
        return "bone"
    if float(sample_planes(spine.sac, grid=spine.grid, points=points[far][None])[0]) <= 0.5:
        return "dura"
    return "soft tissue"


def _mass(spine: Spine, mass: Distance | None) -> dict[str, float]:
    if mass is None or not (mass < 0).any():
        return {"mass_volume": 0.0, "mass_volume_in_canal": 0.0, "mass_cord_clearance": np.nan}
    return {
        "mass_volume": volume(mass, grid=spine.grid),
        "mass_volume_in_canal": volume(np.maximum(mass, spine.canal), grid=spine.grid),
        "mass_cord_clearance": clearance(mass, spine.cord, grid=spine.grid),
    }


def _attrs(units: str, long_name: str, definition: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name, "definition": definition}
