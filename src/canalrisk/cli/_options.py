"""The options that several commands share, each written once."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from canalrisk._jit import set_threads
from canalrisk.errors import UsageError
from canalrisk.imaging import LabelMap, read_labels, safe_name

if TYPE_CHECKING:  # what measuring alone does not need is loaded where it is used
    from canalrisk.case import Settings
    from canalrisk.growth.timeline import Scenario

MIN_DRAWS, MAX_DRAWS = 100, 100_000

INPUT = "What is read"
GROWTH = "Growth scenario"
MODEL = "Model"
OUTPUT = "Output"

Out = Annotated[Path, typer.Option("--out", help="Folder for the results; made if absent.", rich_help_panel=OUTPUT)]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results of an earlier run in --out.", rich_help_panel=OUTPUT)
]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on stdout.", rich_help_panel=OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.", rich_help_panel=OUTPUT)]
Segmentation = Annotated[
    Path,
    typer.Argument(
        metavar="SEG",
        help="Segmentation of the cervical spine: NIfTI, NRRD, 3D Slicer's .seg.nrrd, DICOM SEG, or a folder with one.",
    ),
]
Labels = Annotated[
    str,
    typer.Option(
        "--labels",
        help="What the integers mean: 'auto' (by segment names, else by trying every table and refusing a close call), "
        "a name of 'canalrisk labels', a TOML file of your own, or a BIDS dseg.tsv.",
        show_default=True,
        rich_help_panel=INPUT,
    ),
]
Mass = Annotated[
    str | None,
    typer.Option(
        "--mass",
        help="The mass: its own file on the same grid, or an integer label of SEG. Not needed where SEG calls a "
        "segment mass, calcification or the like.",
        rich_help_panel=INPUT,
    ),
]
ResampleMass = Annotated[
    bool,
    typer.Option(
        "--resample-mass",
        help="Accept a mass file on another grid: resample it through its signed distance and say what that did to "
        "its volume.",
        rich_help_panel=INPUT,
    ),
]
Subregions = Annotated[
    Path | None,
    typer.Option(
        "--subregions",
        help="SPINEPS' seg-spine file beside its seg-vert file given as SEG: brings cord and canal.",
        rich_help_panel=INPUT,
    ),
]
CordIs = Annotated[
    str | None,
    typer.Option(
        "--cord-is",
        help="What a 'spinal cord' segmented on CT shows: cord or sac. CT rarely shows the cord's edge.",
        rich_help_panel=INPUT,
    ),
]
Soft = Annotated[
    list[str] | None,
    typer.Option(
        "--soft",
        metavar="NAME=FILE",
        help="Soft segmentation of cord, canal or mass, or probability of gray matter, on the same grid, e.g. --soft "
        "cord=cord_soft.nii.gz: shares 0 to 1, per cent or 8 bit. Sharper edges than a label. Repeat for each.",
        rich_help_panel=INPUT,
    ),
]
Ct = Annotated[
    Path | None,
    typer.Option("--ct", help="The CT on the same grid, for Hounsfield units of the mass.", rich_help_panel=INPUT),
]
ClinicalFile = Annotated[
    Path | None,
    typer.Option(
        "--clinical",
        help="TOML file with what no image holds: mjoa, t2_signal, radicular_signs, sep_mep_abnormal, duration_years, "
        "disease, and left and right of a section vertebral_artery (docs/input.md).",
        rich_help_panel=INPUT,
    ),
]
Law = Annotated[
    str, typer.Option("--law", help="Volume law: exponential, linear-radius or none.", rich_help_panel=GROWTH)
]
Doubling = Annotated[
    float,
    typer.Option("--doubling-time-years", help="Years to double the volume (exponential).", rich_help_panel=GROWTH),
]
RadialRate = Annotated[
    float,
    typer.Option(
        "--radial-rate-mm-per-year",
        help="Growth of the radius of the sphere of equal volume (linear-radius).",
        rich_help_panel=GROWTH,
    ),
]
Horizon = Annotated[float, typer.Option("--horizon-years", help="How far to look ahead.", rich_help_panel=GROWTH)]
Times = Annotated[
    int, typer.Option("--times", help="Number of times, today and the horizon included.", rich_help_panel=GROWTH)
]
BoneSpeed = Annotated[
    float,
    typer.Option("--bone-speed", help="Speed of the front in bone over that in soft tissue.", rich_help_panel=GROWTH),
]
Mesh = Annotated[str, typer.Option("--mesh", help="Cord mesh: coarse, standard or fine.", rich_help_panel=MODEL)]
Materials = Annotated[
    str, typer.Option("--material-set", help="Cord materials: A, B or C (docs/mechanics.md).", rich_help_panel=MODEL)
]
Mechanics = Annotated[
    bool, typer.Option("--mechanics/--no-mechanics", help="Solve the cord model.", rich_help_panel=MODEL)
]
Draws = Annotated[int, typer.Option("--draws", help="Samples of the risk models' parameters.", rich_help_panel=MODEL)]
Seed = Annotated[int, typer.Option("--seed", help="Seed of every random draw.", rich_help_panel=MODEL)]
Threads = Annotated[
    int, typer.Option("--threads", help="Threads of the compiled kernels; 0 takes all.", rich_help_panel=MODEL)
]


def scenario_from(
    *, law: str, doubling: float, radial_rate: float, horizon: float, times: int, bone_speed: float
) -> Scenario:
    """Return the Scenario that the growth flags describe."""
    from canalrisk.growth.timeline import Scenario

    return Scenario(
        name=f"{law} growth",
        law=law,
        doubling_time_years=doubling,
        radial_rate_mm_per_year=radial_rate,
        horizon_years=horizon,
        n_times=times,
        bone_speed=bone_speed,
    )


def settings_from(*, mesh: str, materials: str, mechanics: bool, draws: int, seed: int, threads: int) -> Settings:
    """Return the Settings that the model flags describe, and set the threads of this process."""
    from canalrisk.case import Settings
    from canalrisk.mechanics import CordSettings

    if not MIN_DRAWS <= draws <= MAX_DRAWS:
        raise UsageError(
            f"{draws} draws are too few for an interval, or too many for memory",
            where="--draws",
            fix=f"give {MIN_DRAWS} to {MAX_DRAWS}",
        )
    check_seed(seed)
    use_threads(threads)
    return Settings(cord=CordSettings(preset=mesh, material_set=materials), mechanics=mechanics, draws=draws, seed=seed)


def use_threads(threads: int) -> None:
    """Set the threads of this process; 0 leaves all."""
    if threads < 0:
        raise UsageError(f"{threads} threads", where="--threads", fix="give 1 or more, or 0 for all")
    if threads:
        set_threads(threads)


def mass_from(text: str | None) -> Path | int | None:
    """Return the mass as an integer label or as a file."""
    if text is None:
        return None
    return int(text) if text.isdecimal() else Path(text)


def read_input(
    segmentation: Path,
    *,
    labels: str,
    mass: str | None,
    resample_mass: bool,
    subregions: Path | None,
    cord_is: str | None,
    soft: list[str] | None,
    ct: Path | None,
) -> LabelMap:
    """Return the label map that the input flags describe."""
    return read_labels(
        segmentation,
        labels=labels,
        mass=mass_from(mass),
        resample_mass=resample_mass,
        subregions=subregions,
        cord_is=cord_is,
        soft=soft_from(soft),
        ct=ct,
    )


def soft_from(pairs: list[str] | None) -> dict[str, Path]:
    """Return the soft segmentations by name."""
    files: dict[str, Path] = {}
    for pair in pairs or []:
        name, sign, path = pair.partition("=")
        if not sign or not path:
            raise UsageError("a soft segmentation needs its name", where="--soft", fix="write --soft cord=FILE")
        if name in files:
            raise UsageError(f"two soft segmentations of one {safe_name(name)}", where="--soft", fix="give one")
        files[name] = Path(path)
    return files


def check_seed(seed: int) -> None:
    """Refuse a seed that no generator takes."""
    if seed < 0:
        raise UsageError(f"seed {seed} is negative", where="--seed", fix="give 0 or more")


def command_line() -> str:
    """Return the command as typed, every path cut to its file name, and a folder that is read not named at all."""
    words, shown = sys.argv[1:], ["canalrisk"]
    for before, word in zip(["", *words], words, strict=False):
        shown.append(PurePath(word).name or word if before == "--out" else _without_folders(word))
    return shlex.join(shown)


def _without_folders(word: str) -> str:
    key, sign, value = word.partition("=")
    if sign:
        return f"{PurePath(key).name}={_without_folders(value)}"
    if os.path.isdir(word):  # DICOM folders are called after patients
        return "FOLDER"
    return PurePath(word).name if ("/" in word or "\\" in word) else word
