"""`canalrisk demo` and `canalrisk assess`: one case, end to end."""

from __future__ import annotations

import time
from pathlib import Path

from canalrisk import case
from canalrisk.cli import _options as opt
from canalrisk.cli._console import err, out, print_json, progress_bar
from canalrisk.clinical import Clinical, read_clinical
from canalrisk.errors import NumericalFailure
from canalrisk.growth.timeline import Scenario
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.phantom import demo_labelmap
from canalrisk.report import check_out, console_table, summary, write_results

DEFAULT = Scenario()
SETTINGS = case.Settings()


def demo(
    out_dir: opt.Out = Path("demo-out"),
    law: opt.Law = DEFAULT.law,
    doubling: opt.Doubling = DEFAULT.doubling_time_years,
    radial_rate: opt.RadialRate = DEFAULT.radial_rate_mm_per_year,
    horizon: opt.Horizon = DEFAULT.horizon_years,
    times: opt.Times = DEFAULT.n_times,
    bone_speed: opt.BoneSpeed = DEFAULT.bone_speed,
    mesh: opt.Mesh = "coarse",
    materials: opt.Materials = SETTINGS.cord.material_set,
    mechanics: opt.Mechanics = True,
    draws: opt.Draws = SETTINGS.draws,
    seed: opt.Seed = SETTINGS.seed,
    threads: opt.Threads = 0,
    clinical: opt.ClinicalFile = None,
    overwrite: opt.Overwrite = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Assess the phantom that comes with the package: no input needed.

    A synthetic neck with a calcified mass of the posterior elements at C4-C6, grown over one year.
    """
    scenario = opt.scenario_from(
        law=law, doubling=doubling, radial_rate=radial_rate, horizon=horizon, times=times, bone_speed=bone_speed
    )
    settings = opt.settings_from(
        mesh=mesh, materials=materials, mechanics=mechanics, draws=draws, seed=seed, threads=threads
    )
    check_out(out_dir, overwrite=overwrite)
    facts = None if clinical is None else read_clinical(clinical)
    with progress_bar(quiet=quiet or json) as progress:
        progress(0.0, "making the phantom")
        result_of = demo_labelmap()
    return _run(result_of, scenario, settings, out_dir, clinical=facts, overwrite=overwrite, json=json, quiet=quiet)


def assess(
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
    law: opt.Law = DEFAULT.law,
    doubling: opt.Doubling = DEFAULT.doubling_time_years,
    radial_rate: opt.RadialRate = DEFAULT.radial_rate_mm_per_year,
    horizon: opt.Horizon = DEFAULT.horizon_years,
    times: opt.Times = DEFAULT.n_times,
    bone_speed: opt.BoneSpeed = DEFAULT.bone_speed,
    mesh: opt.Mesh = SETTINGS.cord.preset,
    materials: opt.Materials = SETTINGS.cord.material_set,
    mechanics: opt.Mechanics = True,
    draws: opt.Draws = SETTINGS.draws,
    seed: opt.Seed = SETTINGS.seed,
    threads: opt.Threads = 0,
    overwrite: opt.Overwrite = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Assess a segmentation: canal, foramina, cord mechanics and risk, today and as the mass grows.

    Without a mass the healthy state is measured and the risks are the population's base rates. Nothing that is read is
    reoriented, resampled or relabelled unless a flag says so; what had to be assumed is listed as a finding.

    Example: canalrisk assess spine.nii.gz --mass mass.nii.gz --doubling-time-years 1 --out case-01

    Example: canalrisk assess drawn.seg.nrrd --ct neck.nii.gz --clinical clinical.toml --out case-02
    """
    scenario = opt.scenario_from(
        law=law, doubling=doubling, radial_rate=radial_rate, horizon=horizon, times=times, bone_speed=bone_speed
    )
    settings = opt.settings_from(
        mesh=mesh, materials=materials, mechanics=mechanics, draws=draws, seed=seed, threads=threads
    )
    check_out(out_dir, overwrite=overwrite)
    facts = None if clinical is None else read_clinical(clinical)
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
    return _run(labelmap, scenario, settings, out_dir, clinical=facts, overwrite=overwrite, json=json, quiet=quiet)


def _run(
    labelmap: LabelMap,
    scenario: Scenario,
    settings: case.Settings,
    out_dir: Path,
    *,
    clinical: Clinical | None,
    overwrite: bool,
    json: bool,
    quiet: bool,
) -> int:
    started = time.monotonic()
    with progress_bar(quiet=quiet or json) as progress:
        result = case.assess(
            labelmap,
            scenario=scenario,
            settings=settings,
            clinical=clinical,
            progress=progress,
            command=opt.command_line(),
        )
        progress(0.98, "writing results and report")
        write_results(result, out=out_dir, overwrite=overwrite)
    if json:
        print_json(summary(result))
    elif not quiet:
        out.print(console_table(result))
        err.print(
            f"[dim]{time.monotonic() - started:.0f} s; results in {out_dir}, picture page {out_dir}/report.html[/dim]"
        )
    _refuse_failed_mechanics(result)
    return 0


def _refuse_failed_mechanics(result: case.CaseResult) -> None:
    """Exit with the code of a numerical failure where no time converged; geometry has been written."""
    if result.cord is None:
        return
    status = result.dataset["mechanics_status"].values
    if status.size and (status != 0).all():
        raise NumericalFailure(
            "the cord model converged at no time",
            where=str(result.dataset["mechanics_reason"].values[0]),
            fix="geometry and report are written; try --mesh standard, or --no-mechanics",
        )
