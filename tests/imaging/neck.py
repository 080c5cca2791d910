"""A crude neck of boxes and cylinders, painted with any tool's integers."""

from __future__ import annotations

import numpy as np

LEVELS = ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "T1")
DISCS = ("C2/3", "C3/4", "C4/5", "C5/6", "C6/7", "C7/T1")
AFFINE = np.array([[1.0, 0, 0, -30], [0, 1.0, 0, -40], [0, 0, 1.0, -20], [0, 0, 0, 1]])


def structures() -> dict[str, np.ndarray]:
    """Masks by name at 1 mm, RAS: vertebrae 17 mm apart, C1 on top, the cord in the canal behind the bodies."""
    x, y, z = np.meshgrid(*(np.arange(n) for n in (60, 60, 150)), indexing="ij")
    x, y = x - 30.0, y - 30.0
    radius = np.hypot(x, y)
    masks = {"cord": radius < 5.5, "rim": (radius >= 5.5) & (radius < 9)}
    for i, level in enumerate(LEVELS):
        top = 143 - 17 * i
        slab = (z <= top) & (z > top - 13)
        body = slab & (np.abs(x) < 9) & (y >= 10) & (y < 24)
        arch = slab & (np.abs(x) < 25) & (np.abs(y) < 14) & (radius >= 9) & ~body
        masks[f"body:{level}"], masks[f"arch:{level}"] = body, arch
        masks[f"vertebra:{level}"] = body | arch
        masks[f"level:{level}"] = masks["cord"] & (z <= top) & (z > top - 17)
    for i, disc in enumerate(DISCS):
        top = 143 - 17 * (i + 1) - 13
        masks[f"disc:{disc}"] = (z <= top) & (z > top - 4) & (np.abs(x) < 8) & (y >= 11) & (y < 23)
        masks[f"point:{disc}"] = (x == 0) & (y == 11) & (z == top)
    masks["point:compression"] = (x == 0) & (y == 3) & np.isin(z, [60, 94])
    masks["artery:left"] = np.hypot(x + 27, y - 8) < 2
    masks["artery:right"] = np.hypot(x - 27, y - 8) < 2
    return masks


MASKS = structures()


def paint(entries: dict[int, str]) -> np.ndarray:
    """Labels of the neck under a table's entries; whole-spine and cord names are taken apart or together."""
    labels = np.zeros((60, 60, 150), np.int16)
    union = {
        "canal_content": ("rim",),
        "cord_or_sac": ("cord",),
        "part:vertebra": tuple(m for m in MASKS if m.startswith("vertebra:")),
        "part:disc": tuple(m for m in MASKS if m.startswith("disc:")),
        "part:body": tuple(m for m in MASKS if m.startswith("body:")),
        "part:arch": tuple(m for m in MASKS if m.startswith("arch:")),
        "epidural": ("rim",),
    }
    for value, name in entries.items():
        for mask in union.get(name, (name,)):
            if mask in MASKS:
                labels[MASKS[mask]] = value
    return labels


def own_neck() -> np.ndarray:
    """The neck in our own table."""
    entries = {i + 1: f"vertebra:{level}" for i, level in enumerate(LEVELS)} | {60: "cord", 61: "epidural"}
    entries |= {102 + i: f"disc:{disc}" for i, disc in enumerate(DISCS)}
    return paint(entries | {70: "artery:left", 71: "artery:right"})
