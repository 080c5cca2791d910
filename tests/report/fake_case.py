"""A synthetic case with the shape of a real one: no physics, every variable the report reads.

Geometry is a lordotic tube with rings for vertebrae; numbers are smooth functions of time chosen only to be
in range. It lets the report be tested in milliseconds and with parts missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import distance_transform_edt, gaussian_filter

from canalrisk.anatomy.spine import BAND_MM, Centreline, Foramen, Spine
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.growth.timeline import Scenario, Snapshot, Timeline
from canalrisk.imaging.labelmap import LabelMap, LabelTable
from canalrisk.mesh import HexMesh

LEVELS = ("C3", "C4", "C5", "C6")
FORAMINA = ("C3/4", "C4/5", "C5/6")
ROOTS = ("C4", "C5", "C6")
TABLE = LabelTable(
    "canalrisk",
    "1",
    {3: "vertebra:C3", 4: "vertebra:C4", 5: "vertebra:C5", 6: "vertebra:C6", 60: "cord", 61: "epidural", 62: "csf"}
    | {70: "artery:left", 103: "disc:C3/4", 104: "disc:C4/5", 105: "disc:C5/6"},
)


@dataclass(frozen=True, eq=False)
class FakeCase:
    dataset: xr.Dataset
    spine: Spine
    timeline: Timeline
    cord: Any
    labelmap: LabelMap
    findings: tuple[Finding, ...]
    provenance: dict[str, Any]
    scenario: Scenario
    settings: Any = field(default_factory=dict)


def distance(mask: np.ndarray, grid: Grid) -> np.ndarray:
    if not mask.any():
        return np.full(mask.shape, BAND_MM, np.float32)
    spacing = grid.spacing
    raw = distance_transform_edt(~mask, spacing) - distance_transform_edt(mask, spacing)
    return np.clip(gaussian_filter(raw, 0.8), -BAND_MM, BAND_MM).astype(np.float32)


def geometry(spacing: float = 1.0) -> tuple[LabelMap, np.ndarray, Centreline, dict[str, float]]:
    """Rings, discs and a cord along a lordotic arc; returns also the mass."""
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = (-30, -40, 0)
    shape = tuple(int(n / spacing) for n in (60, 68, 76))
    grid = Grid(shape, affine)
    x, y, z = np.moveaxis(grid.to_world(np.moveaxis(np.indices(shape), 0, -1)), -1, 0)
    y = y - 4 * np.cos((z - 38) / 38)
    canal = (x / 12) ** 2 + (y / 8) ** 2 < 1
    arch = ((x / 16) ** 2 + (y / 12) ** 2 < 1) & ~canal & (y < 4)
    spinous = (abs(x) < 3) & (y < -8) & (y > -26)
    body = ((x / 12) ** 2 + ((y - 17) / 9) ** 2 < 1) & ~canal
    pillars = ((abs(x) - 17) / 6) ** 2 + ((y + 1) / 6) ** 2 < 1
    labels = np.zeros(shape, np.int16)
    for k, value in enumerate((6, 5, 4, 3)):
        mid = 10.0 + 18 * k
        labels[body & (abs(z - mid) < 7)] = value
        labels[(arch | spinous) & (abs(z - mid + (y < 0) * 0.3 * y * 0) < 5) & (labels == 0)] = value
        labels[pillars & (abs(z - mid) < 7) & ~canal] = value
    for k, value in enumerate((105, 104, 103)):
        labels[body & (abs(z - 19 - 18 * k) < 2) & (labels == 0)] = value
    labels[canal] = 61
    labels[(x / 9) ** 2 + (y / 6.5) ** 2 < 1] = 62
    labels[(x / 6.5) ** 2 + (y / 3.7) ** 2 < 1] = 60
    labels[((x + 22) ** 2 + (y - 8) ** 2 < 5) & (labels == 0)] = 70
    mass = ((x - 8) / 9) ** 2 + ((y + 10) / 8) ** 2 + ((z - 36) / 13) ** 2 < 1
    mass |= ((x - 15) / 8) ** 2 + ((y + 17) / 7) ** 2 + ((z - 30) / 9) ** 2 < 1
    mass &= labels != 60
    s = np.arange(0.0, 75.0, 0.5)
    points = np.stack([0 * s, 4 * np.cos((s - 38) / 38), s], -1)
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    right = np.tile([1.0, 0, 0], (s.size, 1))
    line = Centreline(s, points, right, np.cross(tangent, right), tangent)
    landmarks = {"C6": 10.0, "C5": 28.0, "C4": 46.0, "C3": 64.0, "C5/6": 19.0, "C4/5": 37.0, "C3/4": 55.0}
    return (
        LabelMap(labels, grid, TABLE, mass=mass, source={"name": "neck.nii.gz", "sha256": "0" * 64}),
        mass,
        line,
        landmarks,
    )


def make_spine(labelmap: LabelMap, mass: np.ndarray | None, line: Centreline, landmarks: dict[str, float]) -> Spine:
    labels, grid = labelmap.labels, labelmap.grid
    vertebra_of = np.zeros(labels.shape, np.int8)
    for k, level in enumerate(LEVELS):
        vertebra_of[labelmap.mask(f"vertebra:{level}")] = k + 1
    foramina = tuple(
        Foramen(name, side, root, np.array([[9 * sign, 0, s], [22 * sign, 5, s]], float), np.zeros(3), np.zeros(3))
        for name, root, s in zip(FORAMINA, ROOTS, (55.0, 37.0, 19.0), strict=True)
        for side, sign in (("left", -1.0), ("right", 1.0))
    )
    return Spine(
        grid=grid,
        levels=LEVELS,
        bone=distance(vertebra_of > 0, grid),
        vertebra_of=vertebra_of,
        canal=distance(np.isin(labels, (60, 61, 62)), grid),
        sac=distance(np.isin(labels, (60, 62)), grid),
        cord=distance(labels == 60, grid),
        cord_measured=None,
        mass=None if mass is None else distance(mass, grid),
        soft={"disc": (labels > 100), "artery:left": labels == 70},
        centreline=line,
        landmarks=landmarks,
        foramina=foramina,
    )


def make_cord(line: Centreline, times: np.ndarray, failed: tuple[int, ...] = ()) -> Any:
    """A tube of hexahedra squeezed a little at mid-length."""
    ring, layers = 32, 3
    s = np.arange(5.0, 70.0, 1.25)
    index = np.searchsorted(line.s, s)
    angle = np.linspace(0, 2 * np.pi, ring, endpoint=False)
    uv = []
    for j in range(layers + 1):
        r = max(j / layers, 0.02)
        uv.append(np.stack([6.5 * r * np.cos(angle), 3.7 * r * np.sin(angle)], -1))
    uv = np.concatenate(uv)
    nodes = [line.points[i] + uv[:, :1] * line.right[i] + uv[:, 1:] * line.anterior[i] for i in index]
    points, per = np.concatenate(nodes), len(uv)
    cells, surface = [], []
    for k in range(len(s) - 1):
        for j in range(layers):
            for a in range(ring):
                b = (a + 1) % ring
                base = [j * ring + a, (j + 1) * ring + a, (j + 1) * ring + b, j * ring + b]
                cells.append([k * per + n for n in base] + [(k + 1) * per + n for n in base])
        for a in range(ring):
            b = (a + 1) % ring
            o = k * per + layers * ring
            surface.append([o + a, o + b, o + per + b, o + per + a])
    cells, surface = np.array(cells), np.array(surface)
    displacement = np.zeros((times.size, len(points), 3))
    strain = np.zeros((times.size, len(cells)))
    centres = points[cells].mean(axis=1)
    for t, time in enumerate(times):
        depth = 1.0 + 1.6 * time
        bump = np.exp(-(((points[:, 2] - 37) / 8) ** 2))
        side = np.clip(points[:, 0] / 6.5 * 0.6 + 0.5, 0, 1)
        displacement[t, :, 1] = depth * bump * side * np.clip((4 + 3.7 - points[:, 1]) / 7.4, 0.2, 1)
        displacement[t, :, 0] = -0.4 * depth * bump * side
        near = np.exp(-(((centres[:, 2] - 37) / 8) ** 2))
        strain[t] = 0.06 * depth * near * (1 + 0.6 * centres[:, 0] / 6.5)
    for t in failed:
        displacement[t], strain[t] = np.nan, np.nan
    region = (np.hypot(*(centres[:, :2] - [0, 4]).T) < 3).astype(int)
    mesh = HexMesh(
        points=points,
        cells=cells,
        surface=surface,
        node_sets={},
        section_size=per,
        n_sections=len(s),
        cell_data={"region": region},
    )
    pressed = np.exp(-(((points[surface][:, :, 2].mean(1) - 37) / 5) ** 2)) > 0.7
    pressure = np.repeat((pressed & (points[surface][:, :, 1].mean(1) < 4))[:, None] * 0.001, 4, axis=1)
    states = tuple(SimpleNamespace(contacts={"mass": SimpleNamespace(pressure=pressure)}) for _ in times)
    fields = {"strain_max_principal": strain, "von_mises": strain * 0.012, "pressure": strain * 0.004}
    return SimpleNamespace(mesh=mesh, displacement=displacement, cell_fields=fields, findings=(), states=states)


def _var(dims: tuple[str, ...], values: Any, units: str, name: str) -> tuple[tuple[str, ...], Any, dict[str, str]]:
    return dims, values, {"units": units, "long_name": name, "definition": f"{name}; synthetic"}


def make_dataset(line: Centreline, times: np.ndarray, *, mass: bool, cord: bool, failed: tuple[int, ...]) -> xr.Dataset:
    s = line.s[10:-10]
    landmarks = np.array([10, 19, 28, 37, 46, 55, 64.0])
    names = np.array(["C6", "C5/6", "C5", "C4/5", "C4", "C3/4", "C3"])
    level = names[np.argmin(abs(s[:, None] - landmarks), axis=1)]
    grow = 1.0 + 0.7 * times if mass else 0 * times
    bump = np.exp(-(((s - 36) / 9) ** 2))
    st = ("time", "section")
    ratio = np.clip(0.32 * grow[:, None] * bump, 0, 0.9)
    canal, cord0 = 300 + 20 * np.cos(s / 9), 75 + 6 * np.cos(s / 15)
    v: dict[str, Any] = {
        "canal_area": _var(st, np.tile(canal, (times.size, 1)), "mm2", "Canal area"),
        "cord_area_prelesion": _var(st, np.tile(cord0, (times.size, 1)), "mm2", "Pre-lesion cord area"),
        "canal_ap": _var(st, np.tile(15 + 0 * s, (times.size, 1)), "mm", "Canal AP"),
        "sac_area": _var(st, np.tile(canal * 0.72, (times.size, 1)), "mm2", "Sac area"),
        "residual_canal_area": _var(st, canal * (1 - ratio), "mm2", "Residual canal area"),
        "mass_area_in_canal": _var(st, canal * ratio, "mm2", "Mass area in canal"),
        "occupying_ratio": _var(st, ratio * 1.1, "1", "Occupying ratio"),
        "residual_canal_ap": _var(st, 15 * (1 - ratio), "mm", "Residual canal AP"),
        "sac_width": _var(st, 15 * (1 - ratio), "mm", "Space available for the cord"),
        "mcc": _var(("time",), ratio.max(1), "1", "Maximum canal compromise"),
        "occupying_ratio_max": _var(("time",), ratio.max(1) * 1.1, "1", "Largest occupying ratio"),
        "occupying_ratio_area_max": _var(("time",), ratio.max(1), "1", "Largest canal area fraction taken"),
        "sac_min": _var(("time",), 15 * (1 - ratio.max(1)), "mm", "Least space available for the cord"),
        "sac_wall": _var(("time",), np.array(["bone"] * times.size), "name", "Wall opposite the mass"),
        "worst_level": _var(("time",), np.array(["C4/5"] * times.size), "name", "Worst level"),
        "worst_s": _var(("time",), np.full(times.size, 36.0), "mm", "Arc length of the worst section"),
        "mass_volume": _var(("time",), 4200 * 2**times * mass, "mm3", "Mass volume"),
        "bone_eroded": _var(("time",), 150.0 * times * mass, "mm3", "Bone eroded"),
        "mass_volume_in_canal": _var(("time",), 700 * grow, "mm3", "Mass volume in the canal"),
        "mass_cord_clearance": _var(("time",), 0.4 - grow if mass else np.nan * times, "mm", "Mass-cord clearance"),
    }
    fs = ("time", "foramen", "side")
    pre = np.array([[44.0, 45], [39, 40], [37, 36]])
    loss = np.zeros((times.size, 3, 2))
    loss[:, 1, 1], loss[:, 2, 1] = np.clip(0.45 * grow, 0, 1), np.clip(0.25 * grow, 0, 1)
    area = pre * (1 - loss)
    area[:, 0, 0] = np.nan
    v["foramen_area_prelesion"] = _var(fs, np.tile(pre, (times.size, 1, 1)), "mm2", "Pre-lesion foraminal area")
    v["foramen_area"] = _var(fs, area, "mm2", "Free foraminal area")
    v["foramen_area_loss"] = _var(fs, 1 - area / pre, "1", "Foraminal area loss")
    c = s[10:-10:3]
    if cord:
        shape = 0.12 * grow[:, None] * np.exp(-(((c - 36) / 8) ** 2))
        ok = np.ones(times.size)
        ok[list(failed)] = np.nan
        status, reason = np.zeros(times.size, np.int8), np.array([""] * times.size, dtype="U80")
        for t in failed:
            status[t], reason[t] = 1, "contact step halved 8 times without convergence"
        tc = ("time", "cord_section")
        v |= {
            "mechanics_status": _var(("time",), status, "1", "Mechanics status"),
            "mechanics_reason": _var(("time",), reason, "", "Reason of failure"),
            "cord_area_loss_predicted": _var(tc, shape * ok[:, None], "1", "Predicted cord area loss"),
            "cord_compression_ratio": _var(tc, (0.57 - shape) * ok[:, None], "1", "Compression ratio"),
            "cord_area_loss_predicted_max": _var(("time",), shape.max(1) * ok, "1", "Largest predicted cord area loss"),
            "strain_p95": _var(("time",), 0.11 * grow * ok, "1", "p95 of maximum principal strain"),
            "strain_p99": _var(("time",), 0.14 * grow * ok, "1", "p99 of maximum principal strain"),
            "strain_mean": _var(("time",), 0.05 * grow * ok, "1", "Mean maximum principal strain"),
            "von_mises_p95": _var(("time",), 1.6 * grow * ok, "kPa", "p95 von Mises stress"),
            "stress_normalised": _var(("time",), 0.9 * grow * ok, "1", "Normalised stress S"),
            "contact_force": _var(("time",), 0.2 * grow * ok, "N", "Contact force"),
        }
    models = np.array(["cord area loss", "SAC", "occupying ratio"])
    p = np.clip(0.03 + np.stack([0.10 * grow, 0.07 * grow, 0.16 * grow], -1), 0, 0.97)
    for name, long_name, q in (
        ("risk_myelopathy_prevalent", "Myelopathy now", p),
        ("risk_myelopathy_incident", "Myelopathy by then", 1 - np.exp(-p * times[:, None])),
    ):
        dims = ("time", "model")
        v[name] = _var(dims, q, "1", long_name)
        v[f"{name}_low"] = _var(dims, q * 0.5, "1", f"{long_name}, 2.5 %")
        v[f"{name}_high"] = _var(dims, np.minimum(1, q * 1.9), "1", f"{long_name}, 97.5 %")
    r = np.clip(0.05 + 0.8 * np.nan_to_num(1 - area / pre), 0, 0.98)
    v["risk_radiculopathy_prevalent"] = _var(fs, r, "1", "Radiculopathy now")
    v["risk_radiculopathy_prevalent_low"] = _var(fs, r * 0.6, "1", "Radiculopathy now, 2.5 %")
    v["risk_radiculopathy_prevalent_high"] = _var(fs, np.minimum(1, r * 1.5), "1", "Radiculopathy now, 97.5 %")
    coords: dict[str, Any] = {
        "time": times,
        "s_mm": ("section", s),
        "level": ("section", level),
        "foramen": np.array(FORAMINA),
        "side": np.array(["left", "right"]),
        "root": ("foramen", np.array(ROOTS)),
        "model": models,
    }
    if cord:
        coords["cord_s_mm"] = ("cord_section", c)
    attrs = {"population": "adults with OPLL", "calibration": "not calibrated for tumoral calcinosis"}
    return xr.Dataset(v, coords=coords, attrs=attrs)


FINDINGS = (
    Finding("CORD-INFERRED", "warning", "cord", "No cord was segmented; a healthy cord per level was used."),
    Finding("MASS-TOUCHES-CORD", "serious", "C4/5", "The mass reaches the cord at C4/5 today."),
    Finding("FORAMEN-OPEN", "info", "C3/4 left", "The foramen does not close within 12 mm and was not measured."),
)


def fake_case(
    *,
    mass: bool = True,
    cord: bool = True,
    failed: tuple[int, ...] = (),
    findings: tuple[Finding, ...] = FINDINGS,
    name: str = "founding case",
    spacing: float = 1.0,
    n_times: int = 5,
) -> FakeCase:
    labelmap, solid, line, landmarks = geometry(spacing)
    scenario = Scenario(name=name, law="exponential" if mass else "none", n_times=n_times)
    times = np.linspace(0.0, scenario.horizon_years, n_times)
    spine = make_spine(labelmap, solid if mass else None, line, landmarks)
    snapshots = []
    for t in times:
        grown = None if spine.mass is None else (spine.mass - np.float32(2.4 * t)).astype(np.float32)
        bone = spine.bone if grown is None else np.maximum(spine.bone, -grown)
        snapshots.append(Snapshot(float(t), grown, bone, 4200 * 2**t * mass, 150.0 * t * mass))
    if not mass:
        object.__setattr__(labelmap, "mass", None)
    provenance = {
        "inputs": {"neck.nii.gz": {"sha256": "0" * 64}},
        "command": "canalrisk assess neck.nii.gz --mass mass.nii.gz --out out",
        "seed": 0,
        "threads": 2,
        "configuration": {"scenario": name, "mechanics": {"preset": "coarse"}},
    }
    return FakeCase(
        dataset=make_dataset(line, times, mass=mass, cord=cord, failed=failed),
        spine=spine,
        timeline=Timeline(scenario, tuple(snapshots)),
        cord=make_cord(line, times, failed) if cord else None,
        labelmap=labelmap,
        findings=findings,
        provenance=provenance,
        scenario=scenario,
    )
