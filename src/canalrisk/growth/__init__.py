"""The mass as it will be."""

from canalrisk.growth.grow import grow
from canalrisk.growth.laws import LAWS, law_volume
from canalrisk.growth.timeline import Scenario, Snapshot, Timeline

__all__ = ["LAWS", "Scenario", "Snapshot", "Timeline", "grow", "law_volume"]
