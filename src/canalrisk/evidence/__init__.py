"""Every physical and clinical number with its source and status, and the one reader of them.

Three tables ship with the package: ``risk`` (clinical dose-response, base rates, tolerances, growth and the
stated priors), ``materials`` (sets A, B, C) and ``mechanics`` (morphometry, kinematics, published moduli).
Status words: ``VERIFIED`` (read in a retrieved text), ``VERIFIED_SECONDARY`` (read in a text quoting another),
``DERIVED`` (arithmetic on verified numbers), ``RECALLED`` (from memory: never a silent default), ``ASSUMED``
(this project's own prior), ``NOT_FOUND`` (looked for, none).
"""

from canalrisk.evidence.materials import (
    MaterialSet,
    Structure,
    material_set,
    material_sets,
)
from canalrisk.evidence.table import (
    TABLES,
    Evidence,
    keys,
    recalled_finding,
    recalled_findings,
    rows,
    value,
)

__all__ = [
    "TABLES",
    "Evidence",
    "MaterialSet",
    "Structure",
    "keys",
    "material_set",
    "material_sets",
    "recalled_finding",
    "recalled_findings",
    "rows",
    "value",
]
