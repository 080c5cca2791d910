"""Fixtures: files made of the crude neck."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from neck import AFFINE, own_neck


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def write(array: np.ndarray, name: str = "seg.nii.gz", affine: np.ndarray = AFFINE, **header: object) -> Path:
        image = nib.Nifti1Image(array, affine, dtype=array.dtype)
        image.header.set_xyzt_units("mm")
        for key, value in header.items():
            if key == "units":
                image.header.set_xyzt_units(value)
            else:
                image.header[key] = value
        path = tmp_path / name
        image.to_filename(path)
        return path

    return write


@pytest.fixture
def own() -> np.ndarray:
    """The neck in our own table."""
    return own_neck()
