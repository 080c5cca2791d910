"""Writers of NIfTI files: whole or not at all, and without anything that names a person or a program run."""

from __future__ import annotations

import gzip
import os
import secrets
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.field.grid import Grid
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.imaging.names import safe_name


def write_labels(labelmap: LabelMap, *, path: str | os.PathLike[str]) -> Path:
    """Write a label map, and beside it the meaning of its integers.

    Parameters
    ----------
    labelmap : LabelMap
        Its `labels` are written as they are, int16 or int32; a separate `mass` is not painted in.
    path : str or path-like
        Ends in ``.nii`` or ``.nii.gz``. The dictionary goes to the same name ending in ``.tsv`` with the columns
        ``index`` and ``name``, as BIDS has it for segmentations.

    Returns
    -------
    Path
        The image file.
    """
    kind = np.int16 if int(labelmap.labels.max()) <= np.iinfo(np.int16).max else np.int32
    target = _write(labelmap.labels.astype(kind, copy=False), labelmap.grid, path)
    present = np.unique(labelmap.labels)
    rows = [f"{value}\t{name}\n" for value, name in sorted(labelmap.table.entries.items()) if value in present]
    stem = target.name.removesuffix(".gz").removesuffix(".nii")
    replace_bytes(b"index\tname\n0\tbackground\n" + "".join(rows).encode(), target.with_name(stem + ".tsv"))
    return target


def write_mask(mask: NDArray[np.bool_], *, grid: Grid, path: str | os.PathLike[str]) -> Path:
    """Write a mask as uint8 0/1 on `grid`. Returns the file."""
    return _write(np.asarray(mask, bool).astype(np.uint8), grid, path)


def write_field(values: NDArray[np.floating], *, grid: Grid, path: str | os.PathLike[str]) -> Path:
    """Write a scalar field as float32 on `grid`; NaN stays NaN. Returns the file."""
    return _write(np.asarray(values, np.float32), grid, path)


def _write(array: NDArray[np.generic], grid: Grid, path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    lower = target.name.lower()
    if not lower.endswith((".nii", ".nii.gz")):
        raise UsageError("images are written as NIfTI", where=safe_name(path), fix="end the name in .nii or .nii.gz")
    if array.shape != grid.shape:
        raise UsageError(
            f"array {array.shape} and grid {grid.shape} differ",
            where=safe_name(path),
            fix="write the array on its own grid",
        )
    image = nib.Nifti1Image(array, grid.affine)
    image.set_sform(grid.affine, code=1)
    image.set_qform(grid.affine, code=1)
    image.header.set_xyzt_units("mm")
    data = image.to_bytes()
    # A fixed time and no name in the gzip header: the same labels give the same bytes.
    replace_bytes(gzip.compress(data, compresslevel=6, mtime=0) if lower.endswith(".gz") else data, target)
    return target


def replace_bytes(data: bytes, target: Path) -> None:
    """Write `data` under a temporary name beside `target`, force it to disk, and rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".canalrisk-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
