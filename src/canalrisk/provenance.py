"""What ran, on what, with which versions: enough to repeat a run, nothing that names a patient."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict
from importlib import metadata
from typing import Any

import numba

from canalrisk import __version__

# Versions that can change a bit of the answer.
LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "xarray", "zarr", "nibabel", "meshio")


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the libraries that compute."""
    found = {"canalrisk": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        found[name] = metadata.version(name)
    return found


def configuration_hash(*parts: Any) -> str:
    """SHA-256 of dataclasses and plain values, through canonical JSON.

    Parameters
    ----------
    *parts
        Frozen dataclasses, or anything that JSON can hold.
    """
    plain = [asdict(p) if hasattr(p, "__dataclass_fields__") else p for p in parts]
    text = json.dumps(plain, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def record(
    *,
    source: dict[str, str],
    scenario: Any,
    settings: Any,
    seed: int,
    clinical: dict[str, Any] | None = None,
    command: str | None = None,
) -> dict[str, Any]:
    """Return the provenance of one run.

    Parameters
    ----------
    source : dict
        From `LabelMap.source`: file names without folders, SHA-256, label table and its score.
    scenario, settings : dataclass
        The configuration as used; an empty dict where nothing was to be set.
    seed : int
        Seed of every random draw.
    clinical : dict, optional
        From `Clinical.facts`.
    command : str, optional
        The command line, with folders removed.

    Returns
    -------
    dict
        Ready for JSON. OPENBLAS_CORETYPE is recorded because it changes the last bits.
    """
    return {
        "inputs": dict(source),
        "scenario": scenario if isinstance(scenario, dict) else asdict(scenario),
        "clinical": dict(clinical or {}),
        "settings": settings if isinstance(settings, dict) else asdict(settings),
        "configuration_sha256": configuration_hash(scenario, settings, seed),
        "versions": versions(),
        "seed": seed,
        "threads": numba.get_num_threads(),
        "threading_layer": _threading_layer(),
        "openblas_coretype": os.environ.get("OPENBLAS_CORETYPE", ""),
        "machine": platform.machine(),
        "command": command or "",
    }


def _threading_layer() -> str:
    try:
        return str(numba.threading_layer())
    except ValueError:  # numba chooses one at the first parallel kernel
        return "not started"
