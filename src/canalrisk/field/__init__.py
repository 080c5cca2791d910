"""A sampled field on an affine grid."""

from canalrisk.field.distance import redistance, volume
from canalrisk.field.eikonal import arrival_time
from canalrisk.field.grid import Grid
from canalrisk.field.label import signed_distance
from canalrisk.field.motion import RigidMotion
from canalrisk.field.points import zero_points
from canalrisk.field.share import from_fraction, softness
from canalrisk.field.spline import Spline, fit_spline, linear_sample

__all__ = [
    "Grid",
    "RigidMotion",
    "Spline",
    "arrival_time",
    "fit_spline",
    "from_fraction",
    "linear_sample",
    "redistance",
    "signed_distance",
    "softness",
    "volume",
    "zero_points",
]
