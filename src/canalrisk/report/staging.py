"""Replacing a results folder so that, whatever fails, the complete old or the complete new result is there.

A stage is a hidden folder that holds ``new/`` and, once the exchange begins, ``old/``. The marker is exchanged last:
as long as it lies in ``new/``, everything can be put back, by this run or, after a kill, by the next.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from contextlib import suppress
from hashlib import blake2s
from pathlib import Path

NEW, _OLD = "new", "old"
# The record written last: a folder that holds it is one of ours, and complete.
MARKER = "provenance.json"
ENTRIES = (
    "summary.json", "indices.tsv", "indices.json", "sct_cord.csv", "sct_canal.csv", "changes.tsv",
    "changes.json", "outlines.png", "results.zarr", "fields",
    "report.html", "qc.html", MARKER,
)  # fmt: skip


def new_stage(out: Path, *, beside: bool) -> Path:
    """Make a stage for `out`, beside it or inside it; both lie on its file system."""
    folder = out.parent if beside else out
    stage = folder / f"{_prefix(out)}{os.getpid()}-{uuid.uuid4().hex[:6]}.part"
    stage.mkdir(parents=True)
    return stage


def swap(stage: Path, out: Path) -> None:
    """Exchange our entries of `out` for those in the stage; the old marker goes first, the new one comes last.

    Entries that the stage does not have leave `out` all the same: results of two runs are never mixed.

    Raises
    ------
    OSError
        If an entry cannot be moved; `discard` then puts the old ones back.
    """
    old, new = stage / _OLD, stage / NEW
    # Said before the exchange begins, so that undoing it never takes an old entry for a new one.
    for name in ENTRIES:
        if not (new / name).exists():
            _absent(new, name).touch()
    old.mkdir()
    if (out / MARKER).exists():
        (out / MARKER).rename(old / MARKER)
    for name in ENTRIES:
        if (out / name).exists():
            (out / name).rename(old / name)
        if (new / name).exists():
            (new / name).rename(out / name)


def discard(stage: Path, out: Path) -> bool:
    """Remove a stage. If its exchange did not get to the marker, the old entries are put back before.

    A stage whose old entries cannot be put back stays, for the next run to try again; False then.
    """
    done = _put_back(stage, out)
    if done:
        shutil.rmtree(stage, ignore_errors=True)
    return done


def settle(out: Path) -> None:
    """Discard what killed runs of the same `out` left, and nothing else.

    Raises
    ------
    OSError
        If a living run is writing into `out`, or old entries cannot be put back.
    """
    pattern = re.compile(re.escape(_prefix(out)) + r"(\d+)-[0-9a-f]{6}\.part")
    for folder in (out.parent, out):
        if not folder.is_dir():
            continue
        for stage in sorted(folder.iterdir()):
            found = pattern.fullmatch(stage.name)
            if not found or not stage.is_dir() or stage.is_symlink():
                continue
            if not (folder != out if _runs(int(found[1])) else discard(stage, out)):
                raise OSError(errno.EBUSY, "another run is writing it or was stopped while writing it")


def _put_back(stage: Path, out: Path) -> bool:
    """Undo an unfinished exchange; safe to repeat. Return whether nothing of the old result is left in the stage."""
    new, old = stage / NEW, stage / _OLD
    if not old.is_dir() or not (new / MARKER).exists():
        return True
    done = True
    # What the exchange had put in place is no longer in `new`; the marker, kept for the end, says it is unfinished.
    for name in ENTRIES[:-1]:
        if not (new / name).exists() and not _absent(new, name).exists() and (out / name).exists():
            done &= _moved(out / name, new / name)
    for name in ENTRIES:
        if (old / name).exists():
            done &= _moved(old / name, out / name)
    return done


def _absent(new: Path, name: str) -> Path:
    """Sign that the new results have no entry of that name."""
    return new / f"{name}.absent"


def _moved(source: Path, target: Path) -> bool:
    with suppress(OSError):
        source.rename(target)
        return True
    return False


def _prefix(out: Path) -> str:
    """Names of stages: recognisably ours, of this `out` only, and short however long its name is."""
    return f".canalrisk-{blake2s(out.name.encode(errors='surrogateescape'), digest_size=6).hexdigest()}-"


def _runs(pid: int) -> bool:
    """Whether another process of that number lives; where one cannot ask without harm, assume so."""
    if pid == os.getpid():
        return False
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
