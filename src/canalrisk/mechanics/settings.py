"""What a user may choose about the cord model."""

from __future__ import annotations

from dataclasses import dataclass

from canalrisk.errors import UsageError


@dataclass(frozen=True)
class Preset:
    """Mesh density: `core` and `rings` of the O-grid; axial spacing near contact and far from it, mm.

    `area_loss_error`: greatest difference of the predicted area loss from preset fine on the demonstration neck
    (docs/mechanics.md); 0 for fine itself, whose own error is not known.
    """

    core: int
    rings: int
    near_mm: float
    far_mm: float
    area_loss_error: float


PRESETS = {
    "coarse": Preset(core=4, rings=2, near_mm=1.5, far_mm=5.0, area_loss_error=0.0020),
    "standard": Preset(core=6, rings=3, near_mm=1.0, far_mm=4.0, area_loss_error=0.0005),
    "fine": Preset(core=8, rings=4, near_mm=0.75, far_mm=3.0, area_loss_error=0.0),
}


@dataclass(frozen=True)
class CordSettings:
    """Cord model: mesh, materials, supports.

    Parameters
    ----------
    preset : {"coarse", "standard", "fine"}
        Mesh density.
    material_set : {"A", "B", "C"}
        Rows of ``evidence/materials.csv``.
    poisson : float, optional
        Poisson's ratio of gray and white matter; None takes the set's own, or 0.49 where the set says only
        "near-incompressible".
    pia_thickness_mm : float, optional
        None takes the set's.
    margin_mm : float
        Modelled cord beyond the contact, each side, as far as the anatomy goes.
    missing_cord_mm : float
        Length L of the unmodelled cord beyond each end, whose stiffness EA/L holds the end axially.
    ends : {"springs", "fixed", "free"}
        Axial support of the two ends.
    wall : bool
        Whether the flavum-lined canal wall stops the cord.
    """

    preset: str = "coarse"
    material_set: str = "A"
    poisson: float | None = None
    pia_thickness_mm: float | None = None
    margin_mm: float = 30.0
    missing_cord_mm: float = 100.0
    ends: str = "springs"
    wall: bool = True

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise UsageError(
                f"unknown mesh preset '{self.preset}'", where="CordSettings.preset", fix="use " + ", ".join(PRESETS)
            )
        if self.material_set not in ("A", "B", "C"):
            raise UsageError(
                f"unknown material set '{self.material_set}'", where="CordSettings.material_set", fix="use A, B or C"
            )
        if self.ends not in ("springs", "fixed", "free"):
            raise UsageError(
                f"unknown end support '{self.ends}'", where="CordSettings.ends", fix="use springs, fixed or free"
            )
        if self.poisson is not None and not 0.0 <= self.poisson < 0.4999:
            raise UsageError(
                f"Poisson's ratio {self.poisson} is not in [0, 0.4999)",
                where="CordSettings.poisson",
                fix="use 0.40 to 0.499",
            )
        for name in ("margin_mm", "missing_cord_mm"):
            if getattr(self, name) <= 0:
                raise UsageError(f"{name} must be positive", where=f"CordSettings.{name}", fix="give a length in mm")

    @property
    def mesh(self) -> Preset:
        """The preset's numbers."""
        return PRESETS[self.preset]
