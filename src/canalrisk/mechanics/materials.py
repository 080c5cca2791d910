"""Material sets A, B, C as laws of the finite-element core, with a Finding for every unverified number."""

from __future__ import annotations

from dataclasses import dataclass

from canalrisk import evidence
from canalrisk.anatomy.lining import flavum_finding, flavum_mm
from canalrisk.evidence import Structure
from canalrisk.fem import NeoHookean, Ogden
from canalrisk.findings import Finding
from canalrisk.mechanics.settings import CordSettings

# The sets call cord tissue near-incompressible; where they give no ratio, this is ours.
ASSUMED_POISSON = 0.49


@dataclass(frozen=True)
class CordMaterials:
    """Laws and constants of one run, MPa and mm.

    `tissues` is (white, gray); `pia_*` describe the membrane; `young` is the initial modulus of white matter,
    for end springs; `flavum_mm` and `dura_mm` line the canal; `fat_mpa` the modulus of the buffer before the wall.
    """

    tissues: tuple[NeoHookean | Ogden, NeoHookean | Ogden]
    pia_young: float
    pia_poisson: float
    pia_thickness: float
    young: float
    flavum_mm: float
    dura_mm: float
    fat_mpa: float
    findings: tuple[Finding, ...]


def cord_materials(settings: CordSettings) -> CordMaterials:
    """Turn evidence rows into laws.

    Parameters
    ----------
    settings : CordSettings
        Chooses set, Poisson's ratio and pia thickness.

    Returns
    -------
    CordMaterials
        Set A: one-term Ogden, W = (2 mu / alpha^2) (sum lambda^alpha - 3), that is initial shear modulus mu (the
        source used Abaqus elements; with LS-DYNA's convention the same numbers would mean E = 75 kPa). Sets B
        and C: neo-Hookean with the linear moduli.
    """
    rows = evidence.material_set(settings.material_set)
    white, gray, pia = rows["white matter"], rows["gray matter"], rows["pia mater"]
    findings = [*white.findings(where="white matter"), *gray.findings(where="gray matter")]
    if "alpha" in white.parameters or "alpha" in gray.parameters:
        findings.append(
            Finding(
                "OGDEN-CONVENTION",
                "info",
                "cord",
                f"The Ogden constants of material set {settings.material_set} are read in Abaqus's convention, where "
                "mu is the initial shear modulus; the source names none, and in LS-DYNA's the same numbers would mean "
                "a cord six times as stiff at small strain.",
            )
        )
    if settings.poisson is None and "nu" not in white.parameters:
        findings.append(
            Finding(
                "POISSON-ASSUMED",
                "info",
                "cord",
                f"Material set {settings.material_set} calls the cord near-incompressible without a number; "
                f"Poisson's ratio {ASSUMED_POISSON} was used.",
            )
        )
    findings += evidence.recalled_findings(pia.parameters.values(), where="pia mater")
    if settings.pia_thickness_mm is not None:
        thickness = settings.pia_thickness_mm
    else:
        given = [pia.thickness] if pia.thickness else []
        thickness = sum(row.value for row in given)
        findings += evidence.recalled_findings(given, where="pia mater")

    # Walls, fat and the pia's Poisson ratio are the same in every set: set C lists no fat, set B no dura.
    dura = evidence.material_set("A")["dura mater"].thickness
    fat = evidence.material_set("A")["epidural fat"]
    if settings.wall:
        findings.append(flavum_finding())
        findings += evidence.recalled_findings([dura] if dura else [], where="canal wall")
        findings += fat.findings(where="canal wall")
    return CordMaterials(
        tissues=(_tissue(white, settings), _tissue(gray, settings)),
        pia_young=pia.mpa("E"),
        pia_poisson=(pia if "nu" in pia.parameters else evidence.material_set("A")["pia mater"]).mpa("nu"),
        pia_thickness=thickness,
        young=_shear(white, settings) * 2.0 * (1.0 + _poisson(white, settings)),
        flavum_mm=flavum_mm(),
        dura_mm=dura.value if dura else 0.0,
        fat_mpa=fat.mpa("E"),
        findings=tuple(dict.fromkeys(findings)),
    )


def _poisson(tissue: Structure, settings: CordSettings) -> float:
    if settings.poisson is not None:
        return settings.poisson
    return tissue.mpa("nu") if "nu" in tissue.parameters else ASSUMED_POISSON


def _shear(tissue: Structure, settings: CordSettings) -> float:
    if "mu" in tissue.parameters:
        return tissue.mpa("mu")
    return tissue.mpa("E") / (2.0 * (1.0 + _poisson(tissue, settings)))


def _tissue(tissue: Structure, settings: CordSettings) -> NeoHookean | Ogden:
    mu, nu = _shear(tissue, settings), _poisson(tissue, settings)
    kappa = 2.0 * mu * (1.0 + nu) / (3.0 * (1.0 - 2.0 * nu))
    if "alpha" in tissue.parameters:
        return Ogden(mu=(mu,), alpha=(tissue.mpa("alpha"),), kappa=kappa, volumetric="log")
    return NeoHookean(mu=mu, kappa=kappa, volumetric="log")
