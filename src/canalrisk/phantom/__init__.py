"""Synthetic spines and masses with known answers, from published morphometry."""

from canalrisk.phantom.founding import demo_labelmap, founding_case, founding_case_specs
from canalrisk.phantom.known import known_spine
from canalrisk.phantom.mass import MassSpec, place_mass
from canalrisk.phantom.model import Model, build_model
from canalrisk.phantom.neck import DISCS, LEVELS, STATIONS, Neck, sample_neck
from canalrisk.phantom.sites import SITES
from canalrisk.phantom.voxelise import label_table, voxelise

__all__ = [
    "DISCS",
    "LEVELS",
    "SITES",
    "STATIONS",
    "MassSpec",
    "Model",
    "Neck",
    "build_model",
    "demo_labelmap",
    "founding_case",
    "founding_case_specs",
    "known_spine",
    "label_table",
    "place_mass",
    "sample_neck",
    "voxelise",
]
