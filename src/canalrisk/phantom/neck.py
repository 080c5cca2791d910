"""Healthy necks drawn from published means, standard deviations and correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.phantom.published import published

Array = NDArray[np.float64]

LEVELS = ("C2", "C3", "C4", "C5", "C6", "C7", "T1")
DISCS = ("C2/3", "C3/4", "C4/5", "C5/6", "C6/7", "C7/T1")
STATIONS = ("C2", "C2/3", "C3", "C3/4", "C4", "C4/5", "C5", "C5/6", "C6", "C6/7", "C7", "C7/T1", "T1")
"""Where canal and cord are given, cranial to caudal: mid-vertebrae and discs."""

_SECTION = ("cord_ap", "cord_rl", "canal_ap", "canal_rl")
# Fill = area / (AP x RL): 0.785 for an ellipse. Bounds keep the section convex and its midline rounded.
_FILL_BOUNDS = (0.72, 0.84)
_FILL_SD = 0.012
_MINIMUM_AP_ROOM_MM = 2.8
_CLIP = 2.5


@dataclass(frozen=True, eq=False)
class Neck:
    """One healthy neck as dimensions, mm; arrays run cranial to caudal.

    Parameters
    ----------
    seed : int
        What it was drawn from.
    sex : {"M", "F"}
        Sex of the draw.
    canal_ap, canal_rl, canal_area, cord_ap, cord_rl, cord_area : (13,) ndarray
        Diameters mm and areas mm2 at `STATIONS`. The phantom's labels reproduce them.
    body_width, body_depth, body_height, spinous_length : (7,) ndarray
        Per vertebra of `LEVELS`.
    disc_height, foramen_height, foramen_width : (6,) ndarray
        Per disc of `DISCS`; the foramen's are its bony height and width.
    pedicle_height, pedicle_width, pedicle_angle_deg : float
        Typical pedicle; angle to the sagittal plane.
    transverse_foramen, artery, flavum, facet_gap, lamina_height, lamina_thickness : float
        Diameters, thicknesses and gap.
    dens_height, dens_width : float
        Dens above the shoulders of the axis.
    lordosis_deg, t1_slope_deg : float
        Angle between C2 and C7, and tilt of T1.
    """

    seed: int
    sex: Literal["M", "F"]
    canal_ap: Array
    canal_rl: Array
    canal_area: Array
    cord_ap: Array
    cord_rl: Array
    cord_area: Array
    body_width: Array
    body_depth: Array
    body_height: Array
    spinous_length: Array
    disc_height: Array
    foramen_height: Array
    foramen_width: Array
    pedicle_height: float
    pedicle_width: float
    pedicle_angle_deg: float
    transverse_foramen: float
    artery: float
    flavum: float
    facet_gap: float
    lamina_height: float
    lamina_thickness: float
    dens_height: float
    dens_width: float
    lordosis_deg: float
    t1_slope_deg: float


def sample_neck(seed: int, *, sex: Literal["M", "F"] | None = None) -> Neck:
    """Draw one healthy neck.

    Cord and canal diameters are jointly normal: correlations between the four quantities at C5, and
    between levels r = 0.9 per vertebra, falling off geometrically with distance. Areas follow from
    the diameters and the published area ratio. Bone dimensions share one level correlation. Draws are
    cut at 2.5 standard deviations, and the canal is never narrower than cord AP + 2.8 mm.

    Parameters
    ----------
    seed : int
        Same seed, same neck.
    sex : {"M", "F"}, optional
        Drawn with equal odds when not given.

    Returns
    -------
    Neck
        Dimensions in mm.

    Raises
    ------
    UsageError
        If `sex` is neither "M", "F" nor None.

    Notes
    -----
    Sources: `data/published.csv`; cord and canal from Valosek, Bedard et al. 2024 (n = 203).
    """
    if sex not in ("M", "F", None):
        raise UsageError(f"sex {sex!r} is unknown", where="sex", fix='Use "M", "F" or None.')
    rng = np.random.default_rng(seed)
    drawn = bool(rng.random() < 0.5)
    who: Literal["M", "F"] = sex or ("M" if drawn else "F")
    diameters = _sections(rng, who)
    cord_ap, cord_rl, canal_ap, canal_rl = diameters
    canal_ap = np.maximum(canal_ap, cord_ap + _MINIMUM_AP_ROOM_MM)
    return Neck(
        seed=seed,
        sex=who,
        canal_ap=canal_ap,
        canal_rl=canal_rl,
        canal_area=canal_ap * canal_rl * _fill(rng, "canal"),
        cord_ap=cord_ap,
        cord_rl=cord_rl,
        cord_area=cord_ap * cord_rl * _fill(rng, "cord"),
        body_width=_per_level(rng, "body_width", LEVELS),
        body_depth=_body_depth(rng, who),
        body_height=_per_level(rng, "body_height", LEVELS),
        spinous_length=_per_level(rng, "spinous_length", LEVELS),
        disc_height=_per_level(rng, "disc_height", DISCS),
        foramen_height=_per_level(rng, "foramen_height", DISCS),
        foramen_width=_per_level(rng, "foramen_width", DISCS),
        pedicle_height=_one(rng, "pedicle_height"),
        pedicle_width=_one(rng, "pedicle_width"),
        pedicle_angle_deg=_one(rng, "pedicle_angle"),
        transverse_foramen=_one(rng, "transverse_foramen_diameter"),
        artery=_one(rng, "artery_diameter"),
        flavum=_one(rng, "flavum_thickness"),
        facet_gap=_one(rng, "facet_gap"),
        lamina_height=_one(rng, "lamina_height"),
        lamina_thickness=_one(rng, "lamina_thickness"),
        dens_height=_one(rng, "dens_height", level="C2"),
        dens_width=_one(rng, "dens_width", level="C2"),
        lordosis_deg=_one(rng, "lordosis", level="C2-C7"),
        t1_slope_deg=_one(rng, "t1_slope", level="T1"),
    )


def level_correlation(count: int, *, per_step: float) -> Array:
    """Return the (count, count) correlation matrix per_step ** |i - j|."""
    steps = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    return np.asarray(per_step**steps, dtype=np.float64)


def _sections(rng: np.random.Generator, sex: str) -> Array:
    """Return cord AP, cord RL, canal AP, canal RL at every station, (4, 13) mm."""
    between = np.eye(4)
    for i, first in enumerate(_SECTION):
        for j, second in enumerate(_SECTION[i + 1 :], i + 1):
            between[i, j] = between[j, i] = published(f"r:{first}.{second}", "C5").mean
    # Two stations per vertebra, so the published 0.9 between vertebrae is 0.9 ** 0.5 between stations.
    along = level_correlation(len(STATIONS), per_step=published("r:adjacent_levels").mean ** 0.5)
    normal = rng.standard_normal((4, len(STATIONS)))
    deviate = np.linalg.cholesky(between) @ normal @ np.linalg.cholesky(along).T
    mean = np.array([[published(q, s).mean for s in STATIONS] for q in _SECTION])
    sd = np.array([[published(q, s).sd for s in STATIONS] for q in _SECTION])
    ratio = np.array([[published(f"{q}_sex_ratio", sex).mean] for q in _SECTION])
    drawn: Array = mean * ratio + sd * np.clip(deviate, -_CLIP, _CLIP)
    return drawn


def _fill(rng: np.random.Generator, what: str) -> Array:
    """Return area / (AP x RL) at every station, one deviate per neck, (13,)."""
    mean = np.array([published(f"{what}_{q}", s).mean for q in ("area", "ap", "rl") for s in STATIONS]).reshape(3, -1)
    fill = mean[0] / (mean[1] * mean[2]) + _FILL_SD * np.clip(rng.standard_normal(), -_CLIP, _CLIP)
    low, high = _FILL_BOUNDS
    return np.asarray(np.clip(fill, low, high), dtype=np.float64)


def _per_level(rng: np.random.Generator, quantity: str, levels: tuple[str, ...]) -> Array:
    rows = [published(quantity, level) for level in levels]
    along = np.linalg.cholesky(level_correlation(len(levels), per_step=published("r:adjacent_levels").mean))
    deviate = np.clip(along @ rng.standard_normal(len(levels)), -_CLIP, _CLIP)
    mean, sd = np.array([r.mean for r in rows]), np.array([r.sd for r in rows])
    drawn: Array = mean + sd * deviate
    return drawn


def _body_depth(rng: np.random.Generator, sex: str) -> Array:
    """Return sagittal body depth, (7,) mm: one deviate per neck, slightly deeper caudally."""
    row = published("body_depth_sex", sex)
    size = row.mean + row.sd * float(np.clip(rng.standard_normal(), -_CLIP, _CLIP))
    return size * np.array([0.95, 0.97, 0.99, 1.0, 1.02, 1.04, 1.03])


def _one(rng: np.random.Generator, quantity: str, *, level: str = "all") -> float:
    row = published(quantity, level)
    return row.mean + row.sd * float(np.clip(rng.standard_normal(), -_CLIP, _CLIP))
