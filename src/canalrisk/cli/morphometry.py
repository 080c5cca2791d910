"""`canalrisk morphometry`: what a scan measures, in seconds, without mechanics or risk."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from canalrisk import case
from canalrisk.cli import _options as opt
from canalrisk.cli._console import err, out, print_json, progress_bar
from canalrisk.imaging import read_labels
from canalrisk.report.measured import measured_summary
from canalrisk.report.measured_table import measured_table
from canalrisk.report.output import check_out, write_measured


def morphometry(
    segmentation: Annotated[Path, typer.Argument(metavar="SEG", help="Label map (NIfTI) of the cervical spine.")],
    out_dir: opt.Out,
    labels: opt.Labels = "auto",
    mass: opt.Mass = None,
    threads: opt.Threads = 0,
    overwrite: opt.Overwrite = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Measure a label map: canal, cord, foramina and mass. No mechanics, no risk; seconds.

    Without --mass the healthy state is measured.

    Example: canalrisk morphometry spine.nii.gz --mass mass.nii.gz --out measured-01
    """
    opt.use_threads(threads)
    check_out(out_dir, overwrite=overwrite)
    started = time.monotonic()
    with progress_bar(quiet=quiet or json) as progress:
        progress(0.0, "reading the label map")
        labelmap = read_labels(segmentation, labels=labels, mass=opt.mass_from(mass))
        result = case.measure_subject(
            labelmap, progress=lambda done, message: progress(0.05 + 0.85 * done, message), command=opt.command_line()
        )
        progress(0.9, "writing results")
        write_measured(result, out=out_dir, overwrite=overwrite)
    said = measured_summary(result)
    if json:
        print_json(said)
    elif not quiet:
        out.print(measured_table(said))
        err.print(f"[dim]{time.monotonic() - started:.0f} s; results in[/dim]", end=" ")
        err.print(str(out_dir), style="dim", markup=False)
    return 0
