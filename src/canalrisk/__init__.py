"""Canal and foraminal compromise, cord mechanics and risk from a segmented calcified mass.

The whole straight line in four calls::

    import canalrisk

    labels = canalrisk.read_labels("spine.nii.gz", mass="mass.nii.gz")
    result = canalrisk.assess(labels, scenario=canalrisk.Scenario(doubling_time_years=1.0))
    print(result.dataset["risk_myelopathy_prevalent"])
    canalrisk.write_results(result, out="case-01")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Loaded on first use: `canalrisk --help` should not wait for numba and xarray.
_PUBLIC = {
    "CordSettings": "canalrisk.mechanics",
    "Scenario": "canalrisk.growth.timeline",
    "Settings": "canalrisk.case",
    "assess": "canalrisk.case",
    "demo_labelmap": "canalrisk.phantom",
    "measure_subject": "canalrisk.subject",
    "prepare_subject": "canalrisk.subject",
    "read_clinical": "canalrisk.clinical",
    "read_labels": "canalrisk.imaging",
    "write_measured": "canalrisk.report",
    "write_results": "canalrisk.report",
}

__all__ = [
    "CordSettings",
    "Scenario",
    "Settings",
    "assess",
    "demo_labelmap",
    "measure_subject",
    "prepare_subject",
    "read_clinical",
    "read_labels",
    "write_measured",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'canalrisk' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
