"""File names made safe to print and store; a path is never shown, because paths carry patients' names."""

from __future__ import annotations

import os
from pathlib import PurePath

_ALLOWED = frozenset("._-+=, ()#@")
_LONGEST = 80


def safe_name(path: str | os.PathLike[str]) -> str:
    """Last component of `path` with everything replaced that a terminal, a page or a format could act on.

    Letters and digits of any script stay; control characters, bidirectional marks, markup, brackets,
    percent signs and quotes become ``_``; a long name keeps its beginning and its ending.

    Parameters
    ----------
    path : str or path-like
        Any path, hostile or not.

    Returns
    -------
    str
        At most 80 characters, never empty.
    """
    text = os.fsdecode(path).replace("\\", "/").rstrip("/")
    name = PurePath(text).name
    clean = "".join(c if c.isalnum() or c in _ALLOWED else "_" for c in name)
    if len(clean) > _LONGEST:
        clean = clean[:50] + "..." + clean[-(_LONGEST - 53) :]
    return clean.strip() or "unnamed"
