"""Finite-strain finite elements with contact against fields.

Units: mm, N, MPa. ``model -> prepare(model) -> solve(system, loads) -> [State] -> stress_strain(system, state.u)``.
"""

from canalrisk.fem.batch import solve_batch
from canalrisk.fem.elastic import LinearElastic, MooneyRivlin, NeoHookean
from canalrisk.fem.fibres import FibreReinforced
from canalrisk.fem.insertion import first_touch
from canalrisk.fem.materials import Material
from canalrisk.fem.membrane import Membrane
from canalrisk.fem.model import Load, Model, Springs, Supports, dofs, set_dofs
from canalrisk.fem.obstacles import Obstacle
from canalrisk.fem.ogden import Ogden
from canalrisk.fem.path import solve
from canalrisk.fem.post import Fields, stress_strain
from canalrisk.fem.reference import quadrature_points
from canalrisk.fem.settings import Contact, Settings, State, StepRecord
from canalrisk.fem.system import System, prepare
from canalrisk.fem.truss import Trusses, truss_tensions

__all__ = [
    "Contact",
    "FibreReinforced",
    "Fields",
    "LinearElastic",
    "Load",
    "Material",
    "Membrane",
    "Model",
    "MooneyRivlin",
    "NeoHookean",
    "Obstacle",
    "Ogden",
    "Settings",
    "Springs",
    "State",
    "StepRecord",
    "Supports",
    "System",
    "Trusses",
    "dofs",
    "first_touch",
    "prepare",
    "quadrature_points",
    "set_dofs",
    "solve",
    "solve_batch",
    "stress_strain",
    "truss_tensions",
]
