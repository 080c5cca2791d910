"""Canal, dural sac and cord: tubes along the canal's curve whose sections have the promised size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import gamma

from canalrisk.phantom._kernels import tube_field
from canalrisk.phantom.neck import Neck
from canalrisk.phantom.posture import Curve
from canalrisk.phantom.published import published

Array = NDArray[np.float64]
Field = NDArray[np.float32]

# A bony canal is flat in front (body, disc) and pointed behind (laminae); the posterior exponent
# follows from the area.
_CANAL_FRONT_EXPONENT = 2.5


@dataclass(frozen=True, eq=False)
class Sagittal:
    """Arc length and anterior offset of every (y, z) pixel with respect to the canal's curve."""

    s: Array
    offset: Array
    beyond: Array
    """mm beyond the tube's ends; negative inside."""


@dataclass(frozen=True, eq=False)
class Tubes:
    """Signed pseudo-distances of the three tubes on the whole grid, float32 mm, negative inside."""

    canal: Field
    sac: Field
    cord: Field


def sagittal(curve: Curve, y: Array, z: Array) -> Sagittal:
    """Project the pixels of the midsagittal plane on the curve."""
    pixels = np.stack(np.meshgrid(y, z, indexing="ij"), axis=-1)
    _, nearest = cKDTree(curve.points).query(pixels)
    gap = pixels - curve.points[nearest]
    tangent = curve.tangent[nearest]
    along = np.einsum("...k,...k", gap, tangent)
    s = curve.s[nearest] + np.clip(along, -0.2, 0.2)
    # Tangent points cranially; turning it clockwise in (y, z) gives anterior.
    offset = gap[..., 0] * tangent[..., 1] - gap[..., 1] * tangent[..., 0]
    end = np.abs(along) * ((nearest == 0) | (nearest == len(curve.s) - 1))
    inside = np.maximum(-s, s - curve.s[-1])
    return Sagittal(s, offset, np.where(end > 0.2, end, inside))


def tubes(neck: Neck, curve: Curve, plane: Sagittal, x: Array) -> Tubes:
    """Evaluate the three tubes.

    The sac leaves the published gaps to the canal, and never comes closer to the cord than 0.7 mm;
    the cord lies in the sac with the published share of the cerebrospinal fluid in front.
    """
    gap = {side: published(f"sac_gap_{side}").mean for side in ("anterior", "posterior", "lateral")}
    sac_ap = np.maximum(neck.canal_ap - gap["anterior"] - gap["posterior"], neck.cord_ap + 1.4)
    sac_rl = np.maximum(neck.canal_rl - 2.0 * gap["lateral"], neck.cord_rl + 1.4)
    sac_y = 0.5 * (neck.canal_ap - sac_ap) * (gap["posterior"] - gap["anterior"]) / (gap["posterior"] + gap["anterior"])
    share = published("cord_csf_share_anterior").mean
    cord_y = sac_y - (sac_ap - neck.cord_ap) * (share - 0.5)
    shape = plane.s.shape

    def tube(ap: Array, rl: Array, shift: Array, front: Array, back: Array) -> Field:
        at = [curve.at(q)(plane.s) for q in (shift, 0.5 * rl, 0.5 * ap, front, back)]
        out = np.empty((len(x), *shape), np.float32)
        tube_field(x, plane.offset - at[0], at[1], at[2], at[3], at[4], plane.beyond, out)
        return out

    zero, two = np.zeros(13), np.full(13, 2.0)
    fill = neck.canal_area / (neck.canal_ap * neck.canal_rl)
    front = np.full(13, _CANAL_FRONT_EXPONENT)
    canal = tube(neck.canal_ap, neck.canal_rl, zero, front, exponent(2.0 * fill - superellipse_fill(front)))
    cord_n = exponent(neck.cord_area / (neck.cord_ap * neck.cord_rl))
    return Tubes(
        canal=canal,
        sac=tube(sac_ap, sac_rl, sac_y, two, two),
        cord=tube(neck.cord_ap, neck.cord_rl, cord_y, cord_n, cord_n),
    )


def superellipse_fill(n: Array) -> Array:
    """Return area / (AP x RL) of |u|^n + |v|^n = 1: pi/4 for n = 2 (closed form)."""
    return np.asarray(gamma(1.0 + 1.0 / n) ** 2 / gamma(1.0 + 2.0 / n), dtype=np.float64)


@cache
def _fill_table() -> tuple[Array, Array]:
    n = np.linspace(1.2, 6.0, 2000)
    return superellipse_fill(n), n


def exponent(fill: Array) -> Array:
    """Return the exponent whose superellipse has the given area / (AP x RL)."""
    return np.interp(fill, *_fill_table())
