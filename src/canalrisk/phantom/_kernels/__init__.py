"""Compiled loops of the phantom; one file per loop's subject, all names gathered here."""

from canalrisk.phantom._kernels.masses import balls, flood, lobes
from canalrisk.phantom._kernels.solids import WIDTH, evaluate
from canalrisk.phantom._kernels.tubes import FAR, tube_field

__all__ = ["FAR", "WIDTH", "balls", "evaluate", "flood", "lobes", "tube_field"]
