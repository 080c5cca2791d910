"""Compiled loops of the sampled fields; one file per loop's subject, all names gathered here."""

from canalrisk.field._kernels.interface import foot_points, interface_voxels, linear_crossings
from canalrisk.field._kernels.level import (
    flatten_rows,
    keep_labels,
    laplacian_rows,
    match_shares,
    shift_level,
    smooth_part,
    surplus_nodes,
    voxels_below,
)
from canalrisk.field._kernels.march import ACCEPTED, CLOSED, FAR, march
from canalrisk.field._kernels.nearest import foot_distance, nearest_along, neighbours
from canalrisk.field._kernels.spline import bspline_point, bspline_points, level_points, trilinear_points

__all__ = [
    "ACCEPTED",
    "CLOSED",
    "FAR",
    "bspline_point",
    "bspline_points",
    "flatten_rows",
    "foot_distance",
    "foot_points",
    "interface_voxels",
    "keep_labels",
    "laplacian_rows",
    "level_points",
    "linear_crossings",
    "march",
    "match_shares",
    "nearest_along",
    "neighbours",
    "shift_level",
    "smooth_part",
    "surplus_nodes",
    "trilinear_points",
    "voxels_below",
]
