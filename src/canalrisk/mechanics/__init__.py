"""The cord under a growing mass."""

from canalrisk.mechanics.cord import CordResult, simulate_cord
from canalrisk.mechanics.fields_on_grid import fields_on_grid, write_cord
from canalrisk.mechanics.settings import PRESETS, CordSettings, Preset

__all__ = ["PRESETS", "CordResult", "CordSettings", "Preset", "fields_on_grid", "simulate_cord", "write_cord"]
