"""Synthetic spines and masses with known answers, from published morphometry."""

from canalrisk.phantom.neck import DISCS, LEVELS, STATIONS, Neck, sample_neck
from canalrisk.phantom.voxelise import label_table, voxelise

__all__ = [
    "DISCS",
    "LEVELS",
    "STATIONS",
    "Neck",
    "label_table",
    "sample_neck",
    "voxelise",
]
