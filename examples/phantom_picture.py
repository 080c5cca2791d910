"""Draw the embedded example: one sampled neck with the founding case, as in the README.

    python examples/phantom_picture.py docs/phantom.png

Needs nothing beyond the package: the solids are ray-cast from the label map with NumPy and SciPy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.ndimage import zoom as upsample

from canalrisk.phantom import demo_labelmap

mpl.use("Agg")
import matplotlib.pyplot as plt

BONE, DISC, CORD, CSF, EPIDURAL, FLAVUM, ROOT, ARTERY, MASS = range(1, 10)
COLOUR = np.array(
    [
        (1.00, 1.00, 1.00),
        (0.93, 0.89, 0.79),
        (0.56, 0.70, 0.80),
        (0.96, 0.83, 0.36),
        (0.72, 0.86, 0.95),
        (0.87, 0.80, 0.70),
        (0.90, 0.66, 0.28),
        (0.96, 0.83, 0.36),
        (0.76, 0.18, 0.17),
        (0.20, 0.60, 0.47),
    ]
)
LIGHT = np.array([-0.45, -0.75, 0.50]) / np.linalg.norm([-0.45, -0.75, 0.50])


def structures(labelmap):
    """One class per voxel, for colouring."""
    labels = labelmap.labels
    out = np.zeros(labels.shape, np.uint8)
    for values, kind in (
        (range(1, 9), BONE),
        (range(102, 108), DISC),
        ((60,), CORD),
        ((62,), CSF),
        ((61,), EPIDURAL),
        ((63,), FLAVUM),
        ((*range(213, 219), *range(223, 229)), ROOT),
        ((70, 71), ARTERY),
    ):
        out[np.isin(labels, list(values))] = kind
    out[labelmap.mass] = MASS
    return out


def camera(azimuth, elevation):
    """World to camera; the camera looks along +y from behind the patient at azimuth 0, from the left at 90."""
    a, e = np.deg2rad([azimuth, elevation])
    turn = np.array([[np.cos(a), -np.sin(a), 0.0], [np.sin(a), np.cos(a), 0.0], [0.0, 0.0, 1.0]])
    nod = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(e), -np.sin(e)], [0.0, np.sin(e), np.cos(e)]])
    return nod @ turn


def ray_cast(kinds, show, *, azimuth, elevation, zoom=2.0):
    """Orthographic picture (rows, columns, 3) of the classes in `show`."""
    solid = np.isin(kinds, show)
    low = np.maximum(np.argwhere(solid).min(axis=0) - 3, 0)
    high = np.argwhere(solid).max(axis=0) + 4
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    kinds, solid = kinds[box], solid[box]
    smooth = gaussian_filter(solid.astype(np.float32), 0.8)
    turn = camera(azimuth, elevation)
    size = np.ceil(np.abs(turn) @ solid.shape * (zoom, 1.0, zoom)).astype(int)
    matrix = turn.T / np.array([zoom, 1.0, zoom])
    offset = (np.array(solid.shape) - 1) / 2 - matrix @ ((size - 1) / 2)
    shade = {"offset": offset, "output_shape": tuple(size)}
    volume = affine_transform(smooth, matrix, order=1, **shade)
    classes = affine_transform(np.where(solid, kinds, 0), matrix, order=0, **shade)
    hit = volume > 0.45
    seen = hit.any(axis=1)
    i, k = np.indices(seen.shape)
    at = np.maximum(hit.argmax(axis=1), 1)
    here, before = volume[i, at, k], volume[i, at - 1, k]
    depth = np.where(seen, at - np.clip((here - 0.45) / np.maximum(here - before, 1e-3), 0, 1), np.nan)
    normal = np.stack([-np.gradient(volume, axis=axis)[i, at, k] for axis in range(3)], axis=-1)
    normal *= (zoom, 1.0, zoom)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6
    kind = np.zeros(seen.shape, int)
    for step in range(4):
        found = classes[i, np.minimum(at + step, size[1] - 1), k]
        kind = np.where(kind == 0, found, kind)
    return shaded(kind, normal, depth, seen)


def shaded(kind, normal, depth, seen):
    """Lambert light, darkened in hollows and with distance."""
    far = np.nanmax(depth)
    filled = np.where(seen, depth, far)
    hollow = np.clip((filled - gaussian_filter(filled, 9.0)) / 14.0, 0.0, 1.0)
    near = np.nanmin(depth)
    light = (0.34 + 0.66 * np.clip(normal @ LIGHT, 0, 1)) * (1.0 - 0.45 * hollow)
    light *= 1.0 - 0.25 * (filled - near) / (far - near)
    picture = np.clip(COLOUR[kind] * light[..., None] * 1.12, 0, 1)
    picture[~seen] = 1.0
    return picture.transpose(1, 0, 2)[::-1]


def across(kinds, at, *, margin=70, zoom=4):
    """Smoothly enlarged axial picture around the canal, anterior up, the patient's right on the right."""
    middle = np.argwhere(np.isin(kinds[:, :, at], (CORD, CSF))).mean(axis=0).astype(int)
    cut = kinds[:, :, at][tuple(slice(max(m - margin, 0), m + margin) for m in middle)]
    each = np.stack([upsample(gaussian_filter((cut == kind).astype(float), 0.7), zoom, order=1) for kind in range(10)])
    return COLOUR[each.argmax(axis=0)].transpose(1, 0, 2)[::-1]


def main(target):
    labelmap = demo_labelmap(spacing=0.4)
    kinds = structures(labelmap)
    worst = int(np.argmax((labelmap.mass & np.isin(labelmap.labels, (60, 61, 62))).sum(axis=(0, 1))))
    outside = (BONE, DISC, FLAVUM, ROOT, ARTERY, MASS)
    half = kinds.copy()
    half[kinds.shape[0] // 2 :] = 0
    solids = [
        ray_cast(kinds, outside, azimuth=35, elevation=8),
        ray_cast(kinds, outside, azimuth=128, elevation=6),
        ray_cast(half, (*outside, CORD, CSF, EPIDURAL), azimuth=-90, elevation=0),
    ]
    tall = max(len(picture) for picture in solids)
    panels = [np.pad(p, ((0, tall - len(p)), (0, 0), (0, 0)), constant_values=1.0) for p in solids]
    panels.append(across(kinds, worst))
    titles = (
        "from behind and the left",
        "from in front and the left",
        "left half, from the midline",
        "worst level, from above",
    )
    figure, axes = plt.subplots(
        1, 4, figsize=(15, 6.6), width_ratios=[p.shape[1] / len(p) for p in panels[:3]] + [0.85]
    )
    for axis, picture, title in zip(axes, panels, titles, strict=True):
        axis.imshow(picture, interpolation="antialiased")
        axis.set_title(title, fontsize=11, color="0.25")
        axis.axis("off")
    legend = {"bone": BONE, "disc": DISC, "cord, roots": CORD, "cerebrospinal fluid": CSF, "epidural fat": EPIDURAL}
    legend |= {"ligamentum flavum": FLAVUM, "vertebral artery": ARTERY, "calcified mass": MASS}
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLOUR[kind]) for kind in legend.values()]
    figure.legend(handles, list(legend), loc="lower center", ncols=8, frameon=False, fontsize=11)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(target, dpi=100)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "phantom.png"))
