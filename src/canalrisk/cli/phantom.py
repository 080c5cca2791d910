"""`canalrisk phantom`: synthetic necks, and masses placed on them or on your own label map."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from canalrisk.anatomy import build_spine
from canalrisk.cli import _options as opt
from canalrisk.cli._console import err, print_json, progress_bar
from canalrisk.errors import UsageError
from canalrisk.field import Grid
from canalrisk.imaging import read_labels, write_labels, write_mask
from canalrisk.phantom import DISCS, LEVELS, SITES, MassSpec, founding_case, place_mass, sample_neck, voxelise

FOUNDING = "founding"


def phantom(
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write a synthetic neck here (NIfTI label map, table 'canalrisk').")
    ] = None,
    on: Annotated[
        Path | None, typer.Option("--on", help="Place the mass on this label map instead of a synthetic neck.")
    ] = None,
    mass_out: Annotated[Path | None, typer.Option("--mass-out", help="Write the mass here (NIfTI mask).")] = None,
    mass_site: Annotated[
        str,
        typer.Option("--mass-site", help=f"Where the mass sits: {FOUNDING}, {', '.join(SITES)}."),
    ] = FOUNDING,
    mass_level: Annotated[str, typer.Option("--mass-level", help="Vertebra or disc level, e.g. C5 or C5/6.")] = "C5",
    mass_side: Annotated[Literal["left", "right"], typer.Option("--mass-side", help="Side of the patient.")] = "left",
    mass_volume: Annotated[float, typer.Option("--mass-volume-mm3", help="Volume of the mass.")] = 1500.0,
    labels: opt.Labels = "auto",
    sex: Annotated[Literal["F", "M"] | None, typer.Option("--sex", help="Drawn where not given.")] = None,
    spacing: Annotated[float, typer.Option("--spacing-mm", help="Voxel edge of the synthetic neck.")] = 0.5,
    seed: opt.Seed = 0,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Make a synthetic neck, or place a calcific mass on a neck of yours.

    A new healthy neck:        canalrisk phantom --seed 7 --out neck.nii.gz

    With a mass in a second file: canalrisk phantom --seed 7 --out neck.nii.gz --mass-out mass.nii.gz

    A mass on a real label map: canalrisk phantom --on SEG.nii.gz --mass-out mass.nii.gz --mass-site facet
    """
    if out_file is None and mass_out is None:
        raise UsageError("nothing to write", where="--out, --mass-out", fix="name at least one output file")
    if on is not None and (mass_out is None or out_file is not None):
        raise UsageError(
            "--on places a mass on an existing label map",
            where="--on, --out",
            fix="give --mass-out and leave --out away",
        )
    for flag, path in (("--out", out_file), ("--mass-out", mass_out)):
        if path is not None and not path.name.endswith((".nii", ".nii.gz")):
            raise UsageError("not a NIfTI file name", where=flag, fix="end the name in .nii.gz")
        if path is not None and not path.parent.is_dir():
            raise UsageError("the folder of this file does not exist", where=flag, fix="make the folder first")
    opt.check_seed(seed)
    if mass_site not in (FOUNDING, *SITES):
        raise UsageError(f"no site '{mass_site}'", where="--mass-site", fix=f"one of {FOUNDING}, {', '.join(SITES)}")
    if not 0.0 < mass_volume < math.inf:
        raise UsageError(f"a volume of {mass_volume:g} mm3", where="--mass-volume-mm3", fix="give a positive volume")
    if mass_level not in LEVELS + DISCS:
        raise UsageError(f"no level '{mass_level}'", where="--mass-level", fix=f"one of {', '.join(LEVELS + DISCS)}")

    written: dict[str, object] = {}
    with progress_bar(quiet=quiet or json) as progress:
        progress(0.0, "making the neck" if on is None else "reading the label map")
        if on is None:
            labelmap = voxelise(sample_neck(seed, sex=sex), spacing=spacing)
        else:
            labelmap = read_labels(on, labels=labels)
        if out_file is not None:
            write_labels(labelmap, path=out_file)
            written["labels"] = out_file.name
        if mass_out is not None:
            progress(0.5, "placing the mass")
            spine = build_spine(labelmap)
            if mass_site == FOUNDING:
                mask = founding_case(spine, side=mass_side, seed=seed)
            else:
                spec = MassSpec(level=mass_level, side=mass_side, site=mass_site, volume_mm3=mass_volume, seed=seed)
                mask = place_mass(spine, [spec])
            write_mask(mask, grid=labelmap.grid, path=mass_out)
            written |= {"mass": mass_out.name, "mass_volume_mm3": _volume(int(mask.sum()), labelmap.grid)}
    if json:
        print_json(written)
    elif not quiet:
        err.print(", ".join(f"{key}: {value}" for key, value in written.items()), markup=False)
    return 0


def _volume(voxels: int, grid: Grid) -> float:
    return round(voxels * grid.voxel_volume, 1)
