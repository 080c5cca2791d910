"""Indices per vertebra and disc: what the sections near its middle say."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from canalrisk.anatomy.spine import Array, Spine
from canalrisk.morphometry.variables import VARIABLES

HALF_MM: Final = 1.5
"""Sections within this distance of a level's middle count: 3 mm, one slice of a clinical scan."""

LEVEL: Final = "vertebral_level"
"""The dim: vertebrae and discs from cranial to caudal. The section coordinate `level` names the nearest of them."""

PREFIX: Final = "level_"


def level_names(spine: Spine) -> tuple[str, ...]:
    """Vertebrae and discs of the spine, cranial to caudal."""
    return tuple(sorted(spine.landmarks, key=lambda name: -spine.landmarks[name]))


def by_level(values: dict[str, Any], spine: Spine) -> dict[str, Array]:
    """Mean of section variables over 3 mm about the middle of every vertebra and disc.

    Parameters
    ----------
    values : dict of str to (n,) ndarray
        Section variables; those that `variables.csv` also names with ``level_`` before them are used.
    spine : Spine
        Gives the levels' places.

    Returns
    -------
    dict of str to (levels,) ndarray
        Not a number where a level lies beyond the sections, or where none of its sections has a value.
    """
    s = spine.centreline.s
    place = np.array([spine.landmarks[name] for name in level_names(spine)])
    near = np.abs(s[None] - place[:, None]) <= HALF_MM + 1e-6
    means = {}
    for name in VARIABLES:
        section = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and section in values:
            known = near & np.isfinite(values[section])
            total = np.where(known, values[section], 0.0).sum(axis=1)
            with np.errstate(invalid="ignore"):
                means[name] = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
    return means
