"""Bytes of a file, unpacked and judged without trusting what it says of itself."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zlib
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from canalrisk.errors import InputRefused
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

LARGEST_FILE = 4 << 30
_SLACK = 1 << 20  # bytes some programs leave behind the voxels


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxel values as stored (scale factors applied), where they are, and what was odd."""

    values: NDArray[Any]
    grid: Grid
    findings: tuple[Finding, ...]


def damaged(name: str, why: str) -> InputRefused:
    """Return the refusal of a truncated or damaged file."""
    return InputRefused(
        f"the file is truncated or damaged: {why}",
        where=name,
        fix="copy or export the file again and compare checksums",
    )


def sha256_of(raw: bytes) -> str:
    """SHA-256 of a whole file."""
    return hashlib.sha256(raw).hexdigest()


def read_bytes(path: str | os.PathLike[str], name: str) -> bytes:
    """Read a regular file of at most 4 GiB.

    Raises
    ------
    InputRefused
        Missing, forbidden, a pipe or device, or too large.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe or device would block or never end
            raise InputRefused("this is not a file", where=name, fix="give the path of a .nii.gz, .nrrd or .dcm file")
        if status.st_size > LARGEST_FILE:
            raise InputRefused("the file is larger than 4 GiB", where=name, fix="crop it to the cervical spine")
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputRefused(
            f"the file cannot be read ({reason})", where=name, fix="check path and permissions"
        ) from error


def gunzip(raw: bytes, size: int, name: str, *, whole: bool) -> bytes:
    """Unpack `size` bytes; with `whole`, go on to the end so that length and checksum are verified.

    Raises
    ------
    InputRefused
        If the stream is cut or corrupt, or holds far more than `size`.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            data = stream.read(size)
            rest = stream.read(_SLACK + 1) if whole else b""
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(name, "the compressed data cannot be unpacked") from error
    if len(rest) > _SLACK:
        raise damaged(name, "there is far more data than the header says")
    return data
