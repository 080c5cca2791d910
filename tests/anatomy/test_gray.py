"""Gray matter: a butterfly of the published area, or the map that was given, wherever the cord lies today."""

from dataclasses import replace

import numpy as np
import pytest
import torus

from canalrisk import evidence
from canalrisk.anatomy import build_spine
from canalrisk.anatomy.gray import gray_of
from canalrisk.anatomy.layers import layer_masks
from canalrisk.anatomy.lining import InnerLayers, layer_table
from canalrisk.morphometry import prepare


def _ellipse(neck, scale, forward=0.0):
    return (neck.u / torus.CORD[0]) ** 2 + ((neck.v - forward) / torus.CORD[1]) ** 2 < scale**2


def test_the_butterfly_has_the_published_area_and_is_symmetric(analytic_spine):
    spine = analytic_spine
    gray = gray_of(spine)
    u, v = (part.ravel() for part in np.meshgrid(np.arange(-6.5, 6.6, 0.1), np.arange(-4.1, 4.2, 0.1)))
    for level in ("C4", "C5", "C6"):
        published = evidence.value("mechanics", f"gray_fraction_of_cord_area/gray matter/{level}").value
        i = int(np.argmin(np.abs(spine.centreline.s - spine.landmarks[level])))
        line = spine.centreline
        places = line.points[i] + u[:, None] * line.right[i] + v[:, None] * line.anterior[i]
        # Counted at 0.1 mm against the area of the ellipse.
        area = 0.01 * float(gray(places).sum())
        assert area == pytest.approx(published * np.pi * np.prod(torus.CORD), rel=0.03)
    s = torus.middle("C5")
    u, v = np.random.default_rng(1).uniform(-1, 1, (2, 400)) * np.array([[6.0], [3.6]])
    right, left = (np.array([torus.world_of(s, way * a, b) for a, b in zip(u, v, strict=True)]) for way in (1, -1))
    assert (gray(right) == gray(left)).mean() > 0.98
    assert gray(np.array([torus.world_of(s, 8.0, 0.0)])) == 0.0


def test_a_map_takes_the_butterflys_place_in_morphometry(analytic_neck, analytic_spine):
    # Gray where the ellipse is scaled to half: a quarter of the cord's area.
    share = _ellipse(analytic_neck, 0.5).astype(np.float32)
    prepared = prepare(replace(analytic_spine, gray=share))
    fraction = prepared.fixed["gray_area_prelesion"] / prepared.fixed["cord_area_prelesion"]
    assert np.abs(fraction[6:-6] - 0.25).max() < 0.02


def test_a_map_of_a_pushed_cord_serves_the_cord_as_it_was(analytic_spine, analytic_neck):
    # Today's cord lies 1.5 mm further forward, and the map with it: the pre-lesion cord has its gray where it belongs.
    share = _ellipse(analytic_neck, 0.5, forward=1.5).astype(np.float32)
    pushed = np.where(_ellipse(analytic_neck, 1.0, forward=1.5), -1.0, 1.0).astype(np.float32)
    gray = gray_of(replace(analytic_spine, gray=share, cord_measured=pushed))
    inside, outside = (
        np.array([torus.world_of(torus.middle("C5"), 0.0, depth * torus.CORD[1]) for depth in (-scale, scale)])
        for scale in (0.35, 0.65)
    )
    assert (gray(inside) > 0.5).all()
    assert (gray(outside) < 0.5).all()


def test_layers_fill_the_space_between_canal_and_sac(analytic_neck, analytic_spine):
    masks = layer_masks(analytic_spine)
    between = (analytic_spine.canal < 0) & (analytic_spine.sac > 0)
    together = np.add.reduce([mask.astype(int) for mask in masks.values()])
    assert together.max() == 1
    assert (together[between] == 1).mean() > 0.98
    assert not together[analytic_spine.sac < 0].any()
    # The flavum behind has its published thickness: count it along rays straight back at C5.
    ray = np.array([torus.world_of(torus.middle("C5"), 0.0, -v) for v in np.arange(0.0, 9.0, 0.02)])
    voxel = np.rint(analytic_spine.grid.to_voxel(ray)).astype(int)
    thick = 0.02 * masks["flavum"][tuple(voxel.T)].sum()
    # The torus leaves 1.2 mm between sac and canal: flavum up to the dura.
    room = torus.CANAL[1] - torus.SAC[1]
    dura = evidence.value("mechanics", "thickness/dura mater cervical/C1-C7").value
    assert thick == pytest.approx(min(1.41, room - dura), abs=0.5)


def test_thicknesses_by_level_and_their_sources(analytic_spine):
    layers = InnerLayers(flavum={"C4": 1.0, "C6": 2.0}, dura=0.5)
    rows = {(row["layer"], row["level"]): row for row in layer_table(layers, analytic_spine.landmarks)}
    assert rows["flavum", "C5"]["thickness_mm"] == pytest.approx(1.5, abs=0.05)
    assert rows["flavum", "C5"]["status"] == rows["dura", "C3"]["status"] == "GIVEN"
    assert rows["posterior_longitudinal", "C5"]["status"] == "RECALLED"
    default = {(row["layer"], row["level"]): row for row in layer_table(InnerLayers(), analytic_spine.landmarks)}
    assert default["dura", "C5"]["status"] == default["flavum", "C5"]["status"] == "VERIFIED"


def test_given_layers_and_a_gray_map_reach_the_spine():
    neck = torus.neck(1.0)
    labels = np.where(neck.labelmap.labels == 62, 61, neck.labelmap.labels).astype(np.int16)
    share = _ellipse(neck, 0.5).astype(np.float32)
    layers = InnerLayers(flavum={"C3": 1.0, "C6": 2.0})
    spine = build_spine(replace(neck.labelmap, labels=labels, soft={"gray": share}), layers=layers)
    (said,) = (finding.message for finding in spine.findings if finding.code == "SAC-INFERRED")
    assert "ligamentum flavum by level (given)" in said
    assert "dura 0.38 mm (verified)" in said
    assert "EVIDENCE-RECALLED" in {finding.code for finding in spine.findings}
    assert spine.gray is share
