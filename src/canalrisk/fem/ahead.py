"""Pressures as if they were unknowns of their own: what makes Newton's steps long on nearly incompressible bodies.

After a step du the pressure of an element is not the one that its volume gives, p(v(u + du)), which errs by the bulk
modulus times a second-order change of volume, but the linear one, p + p' dv, as in a mixed method where pressure is an
unknown. Only the tangent's initial stress uses it: residual and energy stay those of the state, so the answer is the
same and convergence at the end still quadratic. Contact pressures are treated alike. (Magisano, Leonetti and Garcea
2017, Int J Numer Methods Eng 109:1237, for stresses.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.assemble import Touch
from canalrisk.fem.system import System

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pressures:
    """Mean stress of every element (m,) and contact pressure per obstacle (f, p), MPa."""

    cells: Array
    contacts: dict[str, Array]

    @classmethod
    def last(cls, system: System, touches: tuple[Touch, ...]) -> Pressures:
        """Pressures of the state last evaluated."""
        return cls(system.cell_pressure[:, 0].copy(), {t.obstacle.name: t.pressure.copy() for t in touches})

    def use(self, system: System, touches: tuple[Touch, ...]) -> None:
        """Let the next tangents take their initial stress and the contact's curvature term from here."""
        system.ahead, system.held_tangent = self.cells, False
        for touch in touches:
            touch.ahead = self.contacts.get(touch.obstacle.name, np.zeros_like(touch.pressure))


def use_own(system: System, touches: tuple[Touch, ...]) -> None:
    """Let the next tangents be those of their own states."""
    system.ahead = None
    for touch in touches:
        touch.ahead = None


@dataclass(frozen=True, eq=False)
class Rates:
    """Pressures at a state and their linear change over a step."""

    start: Pressures
    cells: Array
    contacts: dict[str, tuple[Array, Array, Array]]

    @classmethod
    def along(cls, system: System, touches: tuple[Touch, ...], step: Array) -> Rates:
        """Find the changes over `step` (n, 3) from the state last evaluated with tangents."""
        volume = np.einsum("eai,eai->e", system.cell_rate, step[system.cells])
        contacts = {}
        moved = np.einsum("qa,fai->fqi", system.contact_shape, step[system.contact.quads])
        for touch in touches:
            closing = np.einsum("fqi,fqi->fq", touch.normal, moved)
            trial = touch.multiplier - touch.penalty * touch.gap
            # What a soft buffer adds stays as it is.
            soft = touch.pressure - np.maximum(trial, 0.0)
            contacts[touch.obstacle.name] = trial, -touch.penalty * closing, soft
        return cls(Pressures.last(system, touches), system.cell_pressure[:, 1] * volume, contacts)

    def at(self, share: float) -> Pressures:
        """Pressures after a `share` of the step."""
        contacts = {
            name: np.maximum(trial + share * change, 0.0) + soft
            for name, (trial, change, soft) in self.contacts.items()
        }
        return Pressures(self.start.cells + share * self.cells, contacts)
