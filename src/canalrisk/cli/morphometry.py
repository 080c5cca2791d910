"""`canalrisk morphometry`: what a scan measures, in seconds, without mechanics or risk."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from canalrisk.cli import _options as opt
from canalrisk.cli._console import err, out, print_json, progress_bar
from canalrisk.clinical import read_clinical
from canalrisk.errors import UsageError
from canalrisk.report.measured import measured_summary
from canalrisk.report.measured_table import measured_table
from canalrisk.report.output import check_out, write_measured
from canalrisk.subject import measure_subject


def morphometry(
    segmentation: opt.Segmentation,
    out_dir: opt.Out,
    labels: opt.Labels = "auto",
    mass: opt.Mass = None,
    resample_mass: opt.ResampleMass = False,
    subregions: opt.Subregions = None,
    cord_is: opt.CordIs = None,
    soft: opt.Soft = None,
    ct: opt.Ct = None,
    clinical: opt.ClinicalFile = None,
    intervals: Annotated[
        bool, typer.Option("--intervals/--no-intervals", help="Low and high of every index; takes twice as long.")
    ] = True,
    qc: Annotated[
        bool,
        typer.Option(
            "--qc/--no-qc", help="Draw every measured section on the label map: qc.html.", rich_help_panel=opt.OUTPUT
        ),
    ] = True,
    sct_csv: Annotated[
        bool,
        typer.Option(
            "--sct-csv",
            help="Write cord and canal with the columns of sct_process_segmentation, a row per section.",
            rich_help_panel=opt.OUTPUT,
        ),
    ] = False,
    per_level: Annotated[
        bool,
        typer.Option("--per-level", help="With --sct-csv: a row per vertebral level.", rich_help_panel=opt.OUTPUT),
    ] = False,
    threads: opt.Threads = 0,
    overwrite: opt.Overwrite = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Measure a segmentation: canal, cord, foramina and mass. No mechanics, no risk; seconds.

    Without --mass the healthy state is measured. indices.tsv holds every number with its low and high, indices.json
    what each means; open qc.html to see each measured section drawn on the label map.

    Example: canalrisk morphometry spine.nii.gz --mass mass.nii.gz --out measured-01

    For scripts that read SCT's tables: canalrisk morphometry spine.nii.gz --sct-csv --per-level --out measured-01
    """
    if per_level and not sct_csv:
        raise UsageError(
            "--per-level says how the SCT tables are written", where="--per-level", fix="add --sct-csv, or leave it out"
        )
    opt.use_threads(threads)
    check_out(out_dir, overwrite=overwrite)
    facts = None if clinical is None else read_clinical(clinical)
    sct = ("level" if per_level else "section") if sct_csv else None
    started = time.monotonic()
    with progress_bar(quiet=quiet or json) as progress:
        progress(0.0, "reading the label map")
        labelmap = opt.read_input(
            segmentation,
            labels=labels,
            mass=mass,
            resample_mass=resample_mass,
            subregions=subregions,
            cord_is=cord_is,
            soft=soft,
            ct=ct,
        )
        result = measure_subject(
            labelmap,
            clinical=facts,
            intervals=intervals,
            progress=lambda done, message: progress(0.05 + 0.85 * done, message),
            command=opt.command_line(),
        )
        progress(0.9, "writing results and pictures" if qc else "writing results")
        write_measured(result, out=out_dir, overwrite=overwrite, qc=qc, sct=sct)
    said = measured_summary(result)
    if json:
        print_json(said)
    elif not quiet:
        out.print(measured_table(said))
        err.print(f"[dim]{time.monotonic() - started:.0f} s; results in[/dim]", end=" ")
        err.print(str(out_dir), style="dim", markup=False)
    return 0
