"""The provenance record as written: the case's own, completed, and without any path (paths carry patients' names)."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import PurePath
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from canalrisk.provenance import versions
from canalrisk.report.reading import Case

_ABSOLUTE = re.compile(r"['\"(]?(?:file:/|~|\.{1,2}|[A-Za-z]:)?[\\/]")
_LEVEL = re.compile(r"[CTL]\d{1,2}/[CTL]?\d{1,2}")
_COMMANDS = ("command", "argv")


def describe_inputs(result: Case) -> dict[str, Any]:
    """Input names (no folders), SHA-256 and label table."""
    return dict(scrub(result.provenance.get("inputs") or dict(result.labelmap.source)))


def provenance(result: Case) -> dict[str, Any]:
    """Everything a rerun needs.

    Parameters
    ----------
    result : Case
        A case result; what its own `provenance` says wins over what is read here.

    Returns
    -------
    dict
        Plain types, no paths.
    """
    table = result.labelmap.table
    record: dict[str, Any] = {
        "schema": "canalrisk.provenance/1",
        "inputs": describe_inputs(result),
        "label_table": {"name": table.name, "version": table.version},
        "frame": {"axes": "RAS+", "unit": "mm", "affine": result.spine.grid.affine.tolist()},
        "versions": versions(),
        "blas": sorted(_pools(), key=str),
    }
    return record | dict(scrub(result.provenance))


def _pools() -> list[dict[str, Any]]:
    """BLAS libraries in use; their CPU kernel changes the last bits."""
    keys = ("internal_api", "version", "architecture", "threading_layer")
    return [{key: pool.get(key) for key in keys} for pool in threadpool_info() if pool.get("user_api") == "blas"]


def scrub(value: Any, *, command: bool = False) -> Any:
    """Turn anything into plain JSON types and every path into its last part.

    Parameters
    ----------
    value : Any
        What to clean.
    command : bool
        Treat strings as a command line, whose relative paths are cut too. Keys called ``command`` switch it on.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {_text(str(k), command): scrub(v, command=command or k in _COMMANDS) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [scrub(v, command=command) for v in value]
    if isinstance(value, np.ndarray):
        return scrub(value.tolist())
    if isinstance(value, np.generic):
        return scrub(value.item())
    if isinstance(value, PurePath):
        return value.name
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float)) or value is None else _text(str(value), command)


def _text(value: str, command: bool) -> str:
    if _ABSOLUTE.match(value) and (not command or " -" not in value):
        return _last(value)
    if command:
        try:
            return shlex.join(_argument(word) for word in shlex.split(value))
        except ValueError:
            pass
    return " ".join(_last(word) if _ABSOLUTE.match(word) else word for word in value.split(" "))


def _argument(word: str) -> str:
    """Clean an argument of a command line: ``--out=/a/b`` to ``--out=b``; a level such as ``C4/5`` stays."""
    key, sep, rest = word.partition("=")
    if sep:
        return key + sep + _argument(rest)
    return word if _LEVEL.fullmatch(word) else _last(word)


def _last(path: str) -> str:
    return re.split(r"[\\/]", path.rstrip("/\\"))[-1]
