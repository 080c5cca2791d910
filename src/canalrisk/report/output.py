"""The results folder: written aside, then renamed, so that a reader never meets half of it."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from canalrisk.errors import UsageError
from canalrisk.report.fields import write_fields
from canalrisk.report.indices import indices_text
from canalrisk.report.page import render
from canalrisk.report.provenance import provenance
from canalrisk.report.reading import Case
from canalrisk.report.store import write_store
from canalrisk.report.summary import summary

# The record written last; a folder that holds it is one of ours, and complete.
_MARKER = "provenance.json"


def check_out(out: str | Path, *, overwrite: bool = False) -> None:
    """Refuse an output folder that would lose someone's files; cheap, to be called before the work.

    Parameters
    ----------
    out : str or Path
        Folder to be written.
    overwrite : bool
        Whether to write into a folder that holds other files. They stay; only files of ours are replaced.

    Raises
    ------
    UsageError
        If `out` is a file, cannot be written, or is a non-empty folder that canalrisk did not write.
    """
    out = Path(out).absolute()
    if out.exists() and not out.is_dir():
        raise UsageError("the output is a file, not a folder", where=f"--out {out.name}", fix="name another folder")
    parent = next(p for p in (out, *out.parents) if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError("the output folder cannot be written", where=f"--out {out.name}", fix="name another folder")
    if out.is_dir() and any(out.iterdir()) and not _is_ours(out) and not overwrite:
        raise UsageError(
            "the output folder holds files that canalrisk did not write",
            where=f"--out {out.name}",
            fix="name an empty or new folder, or add --overwrite",
        )


def _is_ours(out: Path) -> bool:
    try:
        record = json.loads((out / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and str(record.get("schema", "")).startswith("canalrisk.provenance")


def write_results(result: Case, *, out: str | Path, overwrite: bool = False) -> Path:
    """Write everything of a case.

    Parameters
    ----------
    result : Case
        A case result.
    out : str or Path
        Folder: ``summary.json``, ``indices.tsv`` and ``.json``, ``results.zarr``, ``fields/``, ``report.html``,
        ``provenance.json``. Appears only when complete.
    overwrite : bool
        Whether to write into a folder that holds other files. They stay; only files of ours are replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        As `check_out`.
    """
    check_out(out, overwrite=overwrite)
    out = Path(out).absolute()
    fresh = not out.exists()
    # An existing folder may be a mount point: stage inside it, since it cannot be renamed.
    stage = (out.parent if fresh else out) / f".{out.name}.{os.getpid()}-{uuid.uuid4().hex[:6]}.part"
    stage.mkdir(parents=True)
    try:
        new = stage / "new"
        new.mkdir()
        _write_all(result, new)
        if fresh:
            new.rename(out)
        else:
            _swap(new, out, aside=stage)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return out


def _write_all(result: Case, folder: Path) -> None:
    _write_json(folder / "summary.json", summary(result))
    table, sidecar = indices_text(result)
    (folder / "indices.tsv").write_text(table, encoding="utf-8")
    (folder / "indices.json").write_text(sidecar, encoding="utf-8")
    write_store(result.dataset, folder / "results.zarr")
    (folder / "fields").mkdir()
    write_fields(result, folder / "fields")
    (folder / "report.html").write_text(render(result), encoding="utf-8")
    _write_json(folder / _MARKER, provenance(result))


def _swap(new: Path, out: Path, *, aside: Path) -> None:
    """Replace our entries of `out`; the marker goes first and comes last."""
    entries = sorted(new.iterdir(), key=lambda entry: entry.name == _MARKER)
    (aside / "old").mkdir()
    if (out / _MARKER).exists():
        (out / _MARKER).rename(aside / "old" / _MARKER)
    for entry in entries:
        if (out / entry.name).exists():
            (out / entry.name).rename(aside / "old" / entry.name)
        entry.rename(out / entry.name)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
