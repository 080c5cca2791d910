"""The Spine of a phantom as it was built, for tests and for placing masses without measuring anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.spine import BAND_MM, Centreline, Foramen, Spine
from canalrisk.phantom.model import Model
from canalrisk.phantom.neck import DISCS, LEVELS, STATIONS
from canalrisk.phantom.posture import Curve
from canalrisk.phantom.routes import SIDES, root_name, root_path
from canalrisk.phantom.vertebrae import landmarks

Array = NDArray[np.float64]
Field = NDArray[np.float32]


def known_spine(model: Model) -> Spine:
    """Return the anatomy that an evaluated neck was made with.

    The distances are the pseudo-distances of the construction: exact zero level, first order beside
    it. `soft` is empty and there is no mass. Nothing here was measured on labels, so that measured
    anatomy can be compared with it.
    """
    stations = dict(zip(STATIONS, model.curve.stations.tolist(), strict=True))
    inside = (model.bone < 0.0) & (model.owner > 0)
    return Spine(
        grid=model.grid,
        levels=LEVELS,
        bone=_clip(model.bone),
        vertebra_of=np.where(inside, model.owner, np.int8(0)).astype(np.int8),
        canal=_clip(model.tube.canal),
        sac=_clip(model.tube.sac),
        cord=_clip(model.tube.cord),
        cord_measured=_clip(model.tube.cord),
        mass=None,
        soft={},
        centreline=_centreline(model.curve),
        landmarks=stations,
        foramina=_foramina(model),
    )


def _clip(field: Field) -> Field:
    return np.clip(field, np.float32(-BAND_MM), np.float32(BAND_MM))


def _centreline(curve: Curve) -> Centreline:
    every = slice(None, None, 2)
    s, points, tangent = curve.s[every], curve.points[every], curve.tangent[every]
    zero = np.zeros(len(s))
    return Centreline(
        s=s,
        points=np.column_stack([zero, points]),
        right=np.tile([1.0, 0.0, 0.0], (len(s), 1)),
        anterior=np.column_stack([zero, tangent[:, 1], -tangent[:, 0]]),
        tangent=np.column_stack([zero, tangent]),
    )


def _foramina(model: Model) -> tuple[Foramen, ...]:
    found = []
    for channel in model.channels:
        i = DISCS.index(channel.name)
        mirror = np.array([SIDES[channel.side], 1.0, 1.0])
        above, below = (
            model.frames[k].to_world(np.array(landmarks(model.neck, k).pedicle) * mirror) for k in (i, i + 1)
        )
        path, _ = root_path(channel)
        found.append(Foramen(channel.name, channel.side, root_name(channel.name), path, above, below))
    return tuple(found)
