"""`canalrisk compare`: two scans of one subject, and whether what changed is more than the error of measurement."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from canalrisk.cli import _options as opt
from canalrisk.cli._console import err, out, print_json, progress_bar
from canalrisk.errors import UsageError
from canalrisk.imaging import read_labels
from canalrisk.report import check_out
from canalrisk.report.compared import compared_summary, compared_table, write_compared
from canalrisk.serial import compare_subjects

_MOST_DRAWS = 1000


def compare(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="Label map of the earlier scan.")],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="Label map of the later scan.")],
    out_dir: opt.Out,
    years: Annotated[float | None, typer.Option("--years", help="Time between the scans; needed for rates.")] = None,
    mass_first: Annotated[
        str | None, typer.Option("--mass-first", help="Mass of FIRST: its own file, or an integer label.")
    ] = None,
    mass_second: Annotated[
        str | None, typer.Option("--mass-second", help="Mass of SECOND: its own file, or an integer label.")
    ] = None,
    labels: opt.Labels = "auto",
    resample_mass: opt.ResampleMass = False,
    edge_mm: Annotated[
        float | None,
        typer.Option("--edge-mm", help="95 % limit of the error of the drawn edges; half a voxel where not given."),
    ] = None,
    draws: Annotated[
        int,
        typer.Option(
            "--draws",
            help="Simulate this many segmentations per scan for the standard errors (slow); 0 takes the intervals'.",
        ),
    ] = 0,
    seed: opt.Seed = 0,
    threads: opt.Threads = 0,
    overwrite: opt.Overwrite = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Compare two scans: growth in the frame of the vertebra that bears the mass, new lysis, change of every index.

    Each change comes with the smallest one that can be told from the error of measurement.

    Example: canalrisk compare a.nii.gz b.nii.gz --mass-first ma.nii.gz --mass-second mb.nii.gz --years 1 --out change
    """
    opt.use_threads(threads)
    opt.check_seed(seed)
    if draws and not 2 <= draws <= _MOST_DRAWS:
        raise UsageError(f"{draws} draws", where="--draws", fix=f"give 0, or 2 to {_MOST_DRAWS}")
    if years is not None and not 0.0 < years < 150.0:
        raise UsageError(
            f"{years:g} years between the scans", where="--years", fix="give a time above 0; FIRST is the earlier"
        )
    if edge_mm is not None and not 0.0 <= edge_mm <= 5.0:
        raise UsageError(f"an edge error of {edge_mm:g} mm", where="--edge-mm", fix="give 0 to 5 mm")
    check_out(out_dir, overwrite=overwrite)
    started = time.monotonic()
    with progress_bar(quiet=quiet or json) as progress:
        progress(0.0, "reading both label maps")
        maps = [
            read_labels(path, labels=labels, mass=opt.mass_from(mass), resample_mass=resample_mass)
            for path, mass in ((first, mass_first), (second, mass_second))
        ]
        result = compare_subjects(
            *maps,
            years=years,
            edge_mm=edge_mm,
            draws=draws,
            seed=seed,
            progress=lambda done, message: progress(0.05 + 0.85 * done, message),
            command=opt.command_line(),
        )
        progress(0.9, "writing results")
        write_compared(result, out=out_dir, overwrite=overwrite)
    said = compared_summary(result)
    if json:
        print_json(said)
    elif not quiet:
        out.print(compared_table(said))
        err.print(f"[dim]{time.monotonic() - started:.0f} s; results in[/dim]", end=" ")
        err.print(str(out_dir), style="dim", markup=False)
    return 0
