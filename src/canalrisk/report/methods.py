"""The methods paragraph and its citations, written from what was actually run."""

from __future__ import annotations

import re
from dataclasses import asdict, is_dataclass
from typing import Any

from canalrisk.report.reading import NOT_CALIBRATED, Case, has_mass

_LAWS = {
    "exponential": "exponential growth with a doubling time of {doubling_time_years:g} years",
    "linear-radius": "growth of the radius of the sphere of equal volume by {radial_rate_mm_per_year:g} mm per year",
    "none": "no growth",
}

_GEOMETRY = (
    "A label map ({spacing} mm voxels, table '{table}', {first} to {last}) was read in its own frame without "
    "reorientation. Labels were turned into signed distances with a sub-voxel zero level. Canal, cord and mass were "
    "measured on sections orthogonal to the canal centreline. The occupying ratio is the thickness of the mass over "
    "the pre-lesion canal diameter along the same ray, the largest within 30 degrees of the sagittal plane; the space "
    "for the cord is what remains on that ray. {cord} Foraminal area is the least free cross-section orthogonal to the "
    "root's path between the canal's edge and the facet's outer edge."
)
_MECHANICS = (
    "The cord was modelled as a swept tube of 8-node hexahedra with mean dilatation{size} at finite strain, with pia "
    "as a tension-field membrane. Mass and canal wall act on it by frictionless contact with their distance fields: "
    "insertion from no mass to today's, then growth.{setting} The mass is rigid, which is an upper bound. Strain is "
    "the largest logarithmic principal strain, volume-weighted; percentiles are quoted, never maxima. Absolute stress "
    "does not transfer between material models; S relates it to the same cord pressed by 10 % between flat plates. An "
    "elastic, nearly incompressible cord loses less area than patients' cords do, because atrophy is not modelled."
)
_RISK = (
    "Dose-response models, monotone by construction, return the population's base rate without a mass. Values are "
    "medians with intervals{sampled} over their parameters. 'Prevalent' is the probability of the state at that time, "
    "'incident' that of being myelopathic today or becoming so by then. Models on different measures are shown side by "
    "side; their spread is part of the uncertainty. State: {calibration}."
)

CITATIONS = {
    "simo": "Simo JC, Taylor RL, Pister KS. Variational and projection methods for the volume constraint in finite "
    "deformation elasto-plasticity. Comput Methods Appl Mech Eng 1985;51:177-208.",
    "valosek": "Valošek J, Bédard S, et al. A database of the healthy human spinal cord morphometry in the PAM50 "
    "template space. Imaging Neuroscience 2024;2:1-15. doi:10.1162/imag_a_00075.",
    "materials": "Xue F, et al. J Orthop Surg Res 2021;16:737. doi:10.1186/s13018-021-02885-6 (material set A).",
}


def methods(result: Case) -> list[str]:
    """Write the paragraphs; each states only what this case used."""
    paragraphs = [_geometry(result), _growth(result)]
    if result.cord is not None:
        paragraphs.append(_mechanics(result))
    if any(str(name).startswith("risk_") for name in result.dataset.data_vars):
        paragraphs.append(_risk(result))
    return paragraphs


def citations(result: Case) -> list[str]:
    """Collect the references of the methods paragraphs and of the variables' own attributes, without repeats."""
    found = [] if _cord_segmented(result) else [CITATIONS["valosek"]]
    if result.cord is not None:
        found.append(CITATIONS["simo"])
        if _cord_settings(result).get("material_set") == "A":
            found.append(CITATIONS["materials"])
    for variable in result.dataset.data_vars.values():
        for key in ("reference", "source"):
            # Semicolons part sources, but not inside brackets.
            parts = re.split(r";\s+(?![^(]*\))", str(variable.attrs.get(key, "")))
            found += [re.sub(r"^([a-z_]+: |base rate |roots )+", "", part.strip()) for part in parts]
    unique = [text for text in dict.fromkeys(found) if len(text) > 8]
    return [text for text in unique if not any(other != text and other.startswith(text) for other in unique)]


def _cord_segmented(result: Case) -> bool:
    return result.spine.cord_measured is not None or bool(result.labelmap.mask("cord").any())


def _geometry(result: Case) -> str:
    spacing = " × ".join(f"{v:g}" for v in result.spine.grid.spacing.round(3))
    levels = result.spine.levels
    cord = (
        "The cord's pre-lesion shape was taken from the segmentation."
        if _cord_segmented(result)
        else "No cord was segmented; its pre-lesion shape came from healthy morphometry per level."
    )
    table, paragraph = result.labelmap.table.name, _GEOMETRY
    return paragraph.format(spacing=spacing, table=table, first=levels[0], last=levels[-1], cord=cord)


def _growth(result: Case) -> str:
    if not has_mass(result):
        return "No mass was given: the healthy state was measured and risks are the population's base rates."
    scenario = asdict(result.scenario)
    law = _LAWS.get(result.scenario.law, "law '{law}'").format(**scenario)
    return (
        f"The mass was followed for {result.scenario.horizon_years:g} years under {law} (scenario "
        f"'{result.scenario.name}', an assumption, not a forecast). Its front advances by arrival time; in bone "
        f"it moves at {result.scenario.bone_speed:g} of its speed in soft tissue, and bone that it reaches is removed."
    )


def _cord_settings(result: Case) -> dict[str, Any]:
    settings = getattr(result, "settings", None)
    cord = getattr(settings, "cord", None)
    return asdict(cord) if is_dataclass(cord) and not isinstance(cord, type) else {}


def _mechanics(result: Case) -> str:
    used = _cord_settings(result)
    mesh = result.cord.mesh if result.cord is not None else None
    size = f" ({len(mesh.cells)} hexahedra, {len(mesh.points)} nodes)" if mesh is not None else ""
    setting = f" Mesh '{used['preset']}', material set {used['material_set']}." if used else ""
    return _MECHANICS.format(size=size, setting=setting)


def _risk(result: Case) -> str:
    attrs = result.dataset.attrs
    settings = getattr(result, "settings", None)
    draws = getattr(settings, "draws", None)
    sampled = f" from {draws} draws" if draws else ""
    return _RISK.format(sampled=sampled, calibration=attrs.get("calibration", NOT_CALIBRATED))
