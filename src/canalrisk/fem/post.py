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
        Mean stress U'(v / V), MPa, positive in tension. Q1P0 pressures may alternate between neighbours: report
        `patch_pressure`.
    patch_pressure : (m,) ndarray
        The same averaged by volume over the cells around each node, and over the nodes of each cell.
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
    patch_pressure: Array
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
    nodal = np.ascontiguousarray(u, np.float64)[system.cells]
    # dx/dX transposed: reference axis, then world axis.
    slopes = system.gradients.reshape(m, 24, 8) @ nodal
    f = np.ascontiguousarray(np.swapaxes(slopes.reshape(m, 8, 3, 3), 2, 3)) + np.eye(3)
    # Without tangent: energy and stress only.
    response = np.empty((m, recover.TANGENT, 8))
    jacobian, stretch = np.empty((m, 8)), np.empty((m, 8))
    dilatation, pressure = np.empty(m), np.empty(m)
    recover.recover(
        np.ascontiguousarray(np.moveaxis(f.reshape(m, 8, 9), 1, 2)),
        system.weights,
        system.table,
        system.index,
        system.directions,
        False,
        response,
        jacobian,
        stretch,
        dilatation,
        pressure,
    )
    stress = response[:, recover.STRESS : recover.TANGENT]
    cauchy = np.ascontiguousarray(np.swapaxes(stress, 1, 2)) / jacobian[..., None]
    cauchy[..., :3] += pressure[:, None, None]
    deviator = cauchy.copy()
    deviator[..., :3] -= cauchy[..., :3].mean(axis=-1, keepdims=True)
    von_mises = np.sqrt(1.5 * (deviator[..., :3] ** 2).sum(-1) + 3.0 * (deviator[..., 3:] ** 2).sum(-1))
    return Fields(
        deformation_gradient=f,
        jacobian=jacobian,
        dilatation=dilatation,
        cauchy=cauchy,
        pressure=pressure,
        patch_pressure=patch_average(pressure, cells=system.cells, volumes=system.weights.sum(axis=1)),
        von_mises=von_mises,
        max_principal_log=np.log(stretch),
        max_principal_green=0.5 * (stretch**2 - 1.0),
        weights=system.weights,
    )


def patch_average(values: Array, *, cells: NDArray[np.int64], volumes: Array) -> Array:
    """Average cell values by volume over the cells around each node, then over the eight nodes of each cell.

    Parameters
    ----------
    values : (m,) ndarray
    cells : (m, 8) ndarray of int64
    volumes : (m,) ndarray
        Weights of the cells, mm3.

    Returns
    -------
    (m,) ndarray
        Constant fields stay; a checkerboard of equal cells goes to zero inside the body.
    """
    corners = cells.ravel()
    around = np.bincount(corners, np.repeat(volumes, 8))
    nodal = np.bincount(corners, np.repeat(values * volumes, 8)) / np.where(around > 0.0, around, 1.0)
    average: Array = nodal[cells].mean(axis=1)
    return average
