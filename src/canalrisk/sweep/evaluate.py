"""One sample of a sweep through the whole line, with anatomy and phantom kept between samples.

What is kept changes no number: it is what `canalrisk.case.prepare_subject` would make again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from canalrisk.imaging import LabelMap, read_labels
from canalrisk.sweep.parameters import configure
from canalrisk.sweep.spec import Base, Value

_T = TypeVar("_T")
_KEPT_SUBJECTS = 2  # a prepared neck at 0.5 mm holds some 300 MB of fields
_kept: dict[str, OrderedDict[Any, Any]] = {"labels": OrderedDict(), "spine": OrderedDict(), "subject": OrderedDict()}


@dataclass(frozen=True, eq=False)
class BaseCase:
    """What every sample starts from, read once by the process that runs the sweep.

    `labelmap` is None for a phantom that each sample may draw anew; `identity` is the SHA-256 of what was read.
    """

    base: Base
    labelmap: LabelMap | None
    identity: str


def load_base(base: Base) -> BaseCase:
    """Read the files of a sweep, or describe its phantom.

    Raises
    ------
    InputRefused
        As `canalrisk.imaging.read_labels`.
    """
    if base.segmentation is None:
        return BaseCase(base, None, hashlib.sha256(f"phantom {base.phantom}".encode()).hexdigest())
    labelmap = read_labels(base.segmentation, labels=base.labels, mass=base.mass)
    sha = hashlib.sha256(np.ascontiguousarray(labelmap.labels).tobytes())
    sha.update(labelmap.grid.affine.tobytes())
    sha.update(repr(sorted(labelmap.table.entries.items())).encode())
    sha.update(b"" if labelmap.mass is None else np.packbits(labelmap.mass).tobytes())
    return BaseCase(base, labelmap, sha.hexdigest())


def evaluate_case(case: BaseCase, values: Mapping[str, Value]) -> xr.Dataset:
    """Run one sample.

    Parameters
    ----------
    case : BaseCase
        From `load_base`.
    values : mapping
        Fixed and varied parameters together.

    Returns
    -------
    xarray.Dataset
        Of `canalrisk.case.assess`.
    """
    from canalrisk.case import Settings, assess, prepare_subject

    config = configure(values)
    key = (case.identity, config.phantom_seed)
    mass = tuple(sorted(config.mass.items()))
    subject = _keep(
        "subject",
        (key, mass),
        lambda: prepare_subject(_with_mass(case, key, config.phantom_seed, config.mass)),
        most=_KEPT_SUBJECTS,
    )
    settings = Settings(cord=config.cord, **config.options)
    return assess(subject, scenario=config.scenario, settings=settings).dataset


def _labels(case: BaseCase, key: Any, seed: int | None) -> LabelMap:
    if case.labelmap is not None:
        return case.labelmap
    from canalrisk.phantom import demo_labelmap, sample_neck, voxelise

    number = seed if seed is not None else case.base.phantom
    return _keep(
        "labels", key, lambda: demo_labelmap() if number == "demo" else voxelise(sample_neck(int(number or 0))), most=1
    )


def _with_mass(case: BaseCase, key: Any, seed: int | None, mass: dict[str, Any]) -> LabelMap:
    labelmap = _labels(case, key, seed)
    if not mass:
        return labelmap
    from canalrisk.anatomy import build_spine
    from canalrisk.phantom import MassSpec, place_mass

    healthy = replace(labelmap, mass=None, mass_is_label=False)
    spine = _keep("spine", key, lambda: build_spine(healthy), most=1)
    chosen = MassSpec(**{name.removeprefix("mass_"): value for name, value in mass.items()})
    return replace(healthy, mass=place_mass(spine, [chosen]))


def _keep(kind: str, key: Any, make: Callable[[], _T], *, most: int) -> _T:
    """Return the kept object for `key`, or make it and forget the least recently used."""
    kept = _kept[kind]
    if key not in kept:
        while len(kept) >= most:
            kept.popitem(last=False)
        kept[key] = make()
    kept.move_to_end(key)
    value: _T = kept[key]
    return value
