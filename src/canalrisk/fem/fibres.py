"""Transversely isotropic tissue: axial tracts of the cord, roots."""

from __future__ import annotations

from dataclasses import dataclass

from canalrisk.errors import UsageError
from canalrisk.fem.elastic import Volumetric, check


@dataclass(frozen=True)
class FibreReinforced:
    """Transversely isotropic: neo-Hookean ground with one family of fibres that resist extension only.

    mu/2 (I1bar - 3) + k1/(2 k2) (exp(k2 E^2) - 1) + U(J), E = d (I1bar - 3) + (1 - 3 d) (I4bar - 1), the exponential
    only where E > 0: fibres carry no compression (Gasser, Ogden and Holzapfel 2006, J R Soc Interface 3:15).
    Directions come with `Model.fibres`. Stress is continuous where the fibres engage; the tangent jumps there.

    I4bar is isochoric, as mean dilatation needs: under stress that changes the volume much (Poisson's ratio well below
    0.49) fibres then feel shape only, not length.

    Parameters
    ----------
    mu : float
        Shear modulus of the ground, MPa.
    kappa : float
        Bulk modulus, MPa.
    k1 : float
        Fibre modulus, MPa: along fibres, the small-strain tension modulus grows by 4 k1 (1 - 3 d)^2.
    k2 : float
        Stiffening; 0 is the standard reinforcing model k1/2 E^2.
    dispersion : float
        d in [0, 1/3]: 0 for parallel fibres, 1/3 for fibres in all directions.
    volumetric : {"log", "quadratic"}
        As for `NeoHookean`.
    """

    mu: float
    kappa: float
    k1: float
    k2: float = 0.0
    dispersion: float = 0.0
    volumetric: Volumetric = "log"

    def __post_init__(self) -> None:
        """Refuse impossible constants."""
        check(self.mu, self.kappa)
        if not (self.k1 >= 0 and self.k2 >= 0 and 0 <= self.dispersion <= 1 / 3):
            raise UsageError(
                f"fibres with k1 {self.k1}, k2 {self.k2}, dispersion {self.dispersion}",
                where="materials",
                fix="give k1 >= 0 MPa, k2 >= 0 and a dispersion from 0 to 1/3",
            )

    @property
    def shear(self) -> float:
        """Shear modulus of the ground, MPa."""
        return self.mu

    @property
    def constants(self) -> tuple[float, ...]:
        """What the kernel reads."""
        return (self.mu, self.k1, self.k2, self.dispersion)
