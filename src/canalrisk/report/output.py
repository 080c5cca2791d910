"""The results folder: written aside, then renamed, so that a reader never meets half of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from canalrisk.errors import UsageError
from canalrisk.report.indices import indices_text
from canalrisk.report.measured import measured_summary
from canalrisk.report.provenance import provenance
from canalrisk.report.reading import Case
from canalrisk.report.sct import sct_tables
from canalrisk.report.staging import ENTRIES, MARKER, NEW, discard, new_stage, settle, swap
from canalrisk.report.store import write_store
from canalrisk.subject import Measured


def check_out(out: str | Path, *, overwrite: bool = False) -> None:
    """Refuse an output folder that would lose someone's files or cannot be written; to be called before the work.

    Missing parents are made. What a killed run left half-done in the same folder is put back first.

    Parameters
    ----------
    out : str or Path
        Folder to be written.
    overwrite : bool
        Whether to write into a non-empty folder: earlier results are replaced, files that are not ours stay.

    Raises
    ------
    UsageError
        If `out` is a file, cannot be written, or holds results or other files and `overwrite` is not set. An
        incomplete folder of ours can be completed without it.
    """
    out = Path(out).absolute()
    where = f"--out {out.name}"
    try:
        if out.exists() and not out.is_dir():
            raise UsageError("the output is a file, not a folder", where=where, fix="name another folder")
        settle(out)
        _probe(out)
        held = out.is_dir() and any(out.iterdir())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"the output folder cannot be written: {reason}", where=where, fix="name another folder"
        ) from error
    if not held or overwrite:
        return
    if _schema(out / MARKER).startswith("canalrisk.provenance"):
        raise UsageError(
            "the output folder holds results of an earlier run",
            where=where,
            fix="name another folder, or add --overwrite to replace them",
        )
    if not _incomplete(out):
        raise UsageError(
            "the output folder holds files that canalrisk did not write",
            where=where,
            fix="name an empty or new folder, or add --overwrite",
        )


def _probe(out: Path) -> None:
    """Find out by doing it: permissions alone do not tell, least of all to an administrator."""
    if out.is_dir():
        Path(tempfile.mkdtemp(prefix=".canalrisk-", dir=out)).rmdir()
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.mkdir()
        out.rmdir()


def _incomplete(out: Path) -> bool:
    """Whether `out` holds nothing but entries of ours, of which the marker is missing."""
    names = {entry.name for entry in out.iterdir()}
    return names < set(ENTRIES) and MARKER not in names and _schema(out / ENTRIES[0]).startswith("canalrisk.")


def _schema(path: Path) -> str:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(record.get("schema", "")) if isinstance(record, dict) else ""


def write_results(result: Case, *, out: str | Path, overwrite: bool = False) -> Path:
    """Write everything of a case.

    Parameters
    ----------
    result : Case
        A case result.
    out : str or Path
        Folder: ``summary.json``, ``indices.tsv`` and ``.json``, ``results.zarr``, ``fields/``, ``report.html``,
        ``provenance.json``. Appears only when complete; on a failure earlier results are put back.
    overwrite : bool
        Whether to write into a non-empty folder: earlier results are replaced, files that are not ours stay.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        As `check_out`.
    """
    return staged(lambda folder: _write_all(result, folder), out=out, overwrite=overwrite)


def write_measured(
    result: Measured, *, out: str | Path, overwrite: bool = False, qc: bool = True, sct: str | None = None
) -> Path:
    """Write a measured scan.

    Parameters
    ----------
    result : Measured
        From `canalrisk.subject.measure_subject`.
    out : str or Path
        Folder: ``summary.json``, ``indices.tsv`` and ``.json``, ``results.zarr``, ``qc.html``, ``provenance.json``.
        Appears only when complete; on a failure earlier results are put back.
    overwrite : bool
        Whether to write into a non-empty folder: earlier results are replaced, files that are not ours stay.
    qc : bool
        Whether to draw ``qc.html``.
    sct : {"section", "level"}, optional
        Write ``sct_cord.csv`` and ``sct_canal.csv`` too, one row per section or per vertebral level.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        As `check_out`.
    """
    return staged(lambda folder: _write_measured(result, folder, qc=qc, sct=sct), out=out, overwrite=overwrite)


def staged(write: Callable[[Path], None], *, out: str | Path, overwrite: bool) -> Path:
    """Let `write` fill a folder aside, then rename it or exchange its entries; raises as `check_out`."""
    check_out(out, overwrite=overwrite)
    out = Path(out).absolute()
    fresh = not out.exists()
    # An existing folder may be a mount point: stage inside it, since it cannot be renamed.
    stage = new_stage(out, beside=fresh)
    try:
        new = stage / NEW
        new.mkdir()
        write(new)
        if fresh:
            new.rename(out)
        else:
            swap(stage, out)
    except BaseException:
        discard(stage, out)
        raise
    discard(stage, out)
    return out


def _write_all(result: Case, folder: Path) -> None:
    # Pictures take a second to load that measuring alone should not pay.
    from canalrisk.report.fields import write_fields
    from canalrisk.report.page import render
    from canalrisk.report.summary import summary

    write_json(folder / "summary.json", summary(result))
    _write_numbers(result, folder)
    (folder / "fields").mkdir()
    write_fields(result, folder / "fields")
    (folder / "report.html").write_text(render(result), encoding="utf-8")
    write_json(folder / MARKER, provenance(result))


def _write_measured(result: Measured, folder: Path, *, qc: bool, sct: str | None) -> None:
    said = measured_summary(result)
    write_json(folder / "summary.json", said)
    _write_numbers(result, folder)
    if sct is not None:
        for name, text in sct_tables(result, per_level=sct == "level").items():
            (folder / name).write_text(text, encoding="utf-8")
    if qc:
        from canalrisk.report.qc import render_qc

        (folder / "qc.html").write_text(render_qc(result, said), encoding="utf-8")
    write_json(folder / MARKER, provenance(result))


def _write_numbers(result: Case, folder: Path) -> None:
    table, sidecar = indices_text(result)
    (folder / "indices.tsv").write_text(table, encoding="utf-8")
    (folder / "indices.json").write_text(sidecar, encoding="utf-8")
    write_store(result.dataset, folder / "results.zarr")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write one JSON document; a number that is none is an error."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
