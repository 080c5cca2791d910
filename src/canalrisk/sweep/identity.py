"""What makes two sweeps the same: inputs, configuration and code, never a file's name or date."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

# These show results and compute none.
_SHOWING = frozenset({"cli", "report", "__pycache__"})


@cache
def code_digest() -> str:
    """SHA-256 over every source and data file of the package that can change a number."""
    sha = hashlib.sha256()
    for name, file in sorted(_files(resources.files("canalrisk"), "")):
        sha.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return sha.hexdigest()


def _files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name not in _SHOWING:
                found += _files(entry, f"{prefix}{entry.name}/")
        elif not entry.name.startswith(".") and not entry.name.endswith((".pyc", ".nbi", ".nbc")):
            found.append((prefix + entry.name, entry))
    return found
