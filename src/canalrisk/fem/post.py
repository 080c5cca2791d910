"""Stress and strain at the quadrature points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.kernels import recover
from canalrisk.fem.system import System

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fields:
    """State at the quadrature points of every hexahedron.

    Parameters
    ----------
    deformation_gradient : (m, 8, 3, 3) ndarray
        F at the points, not modified by the mean dilatation.
    jacobian : (m, 8) ndarray
        det F.
    dilatation : (m,) ndarray
        Volume ratio v / V of the element, which the pressure follows.
    cauchy : (m, 8, 6) ndarray
        Cauchy stress xx, yy, zz, xy, yz, xz, MPa.
    pressure : (m,) ndarray
        Mean stress U'(v / V), MPa, positive in tension. Q1P0 pressures may alternate between neighbours: average over
        patches before reporting.
    von_mises : (m, 8) ndarray
        MPa.
    max_principal_log : (m, 8) ndarray
        Greatest principal logarithmic strain.
    max_principal_green : (m, 8) ndarray
        Greatest principal Green-Lagrange strain.
    weights : (m, 8) ndarray
        Reference volumes of the points, mm3.
    """

    deformation_gradient: Array
    jacobian: Array
    dilatation: Array
    cauchy: Array
    pressure: Array
    von_mises: Array
    max_principal_log: Array
    max_principal_green: Array
    weights: Array


def stress_strain(system: System, u: Array) -> Fields:
    """Recover stress and strain.

    Parameters
    ----------
    system : System
    u : (n, 3) ndarray
        mm, with J > 0 at every quadrature point.

    Returns
    -------
    Fields
    """
    m = len(system.cells)
    f = np.empty((m, 8, 3, 3))
    jacobian, dilatation, pressure = np.empty((m, 8)), np.empty(m), np.empty(m)
    cauchy, stretch = np.empty((m, 8, 6)), np.empty((m, 8))
    recover.recover(
        np.ascontiguousarray(u, np.float64),
        system.cells,
        system.gradients,
        system.weights,
        system.table,
        system.index,
        False,
        f,
        jacobian,
        dilatation,
        pressure,
        cauchy,
        stretch,
    )
    deviator = cauchy.copy()
    deviator[..., :3] -= cauchy[..., :3].mean(axis=-1, keepdims=True)
    von_mises = np.sqrt(1.5 * (deviator[..., :3] ** 2).sum(-1) + 3.0 * (deviator[..., 3:] ** 2).sum(-1))
    return Fields(
        deformation_gradient=f,
        jacobian=jacobian,
        dilatation=dilatation,
        cauchy=cauchy,
        pressure=pressure,
        von_mises=von_mises,
        max_principal_log=np.log(stretch),
        max_principal_green=0.5 * (stretch**2 - 1.0),
        weights=system.weights,
    )
