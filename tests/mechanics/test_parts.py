"""Materials from evidence and end springs against hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import CORD, neck

from canalrisk.errors import UsageError
from canalrisk.fem import NeoHookean, Ogden
from canalrisk.mechanics.ends import end_supports
from canalrisk.mechanics.materials import cord_materials
from canalrisk.mechanics.outline import sample_outlines
from canalrisk.mechanics.settings import PRESETS, CordSettings
from canalrisk.mechanics.tube import mesh_cord


def test_set_a_is_the_published_ogden_cord():
    # evidence/materials.csv, set A: white mu 4.0 kPa alpha 12.5; K = 2 mu (1 + nu) / (3 (1 - 2 nu)).
    materials = cord_materials(CordSettings(poisson=0.45))
    white, gray = materials.tissues
    assert isinstance(white, Ogden)
    assert white.terms == ((pytest.approx(0.0040), 12.5),)
    assert gray.terms == ((pytest.approx(0.0041), 14.7),)
    assert white.kappa == pytest.approx(2 * 0.004 * 1.45 / (3 * 0.1))
    assert (materials.pia_young, materials.pia_thickness) == (39.3, 0.1)
    assert (materials.flavum_mm, materials.dura_mm) == (1.41, 0.35)


def test_what_the_constants_assume_is_said():
    # evidence/MECHANICS.md: Abaqus's convention is an inference from the element names; flavum at C6/7 only, 1.41 mm.
    said = {finding.code: finding for finding in cord_materials(CordSettings()).findings}
    assert said["OGDEN-CONVENTION"].severity == said["FLAVUM-ONE-LEVEL"].severity == "info"
    assert "1.41 mm" in said["FLAVUM-ONE-LEVEL"].message
    assert "C6/7" in said["FLAVUM-ONE-LEVEL"].message
    linear = {finding.code for finding in cord_materials(CordSettings(material_set="B", wall=False)).findings}
    assert not linear & {"OGDEN-CONVENTION", "FLAVUM-ONE-LEVEL"}


def test_set_b_takes_its_own_poisson_ratio_and_names_every_recalled_number():
    materials = cord_materials(CordSettings(material_set="B"))
    white, _ = materials.tissues
    assert isinstance(white, NeoHookean)
    assert white.mu == pytest.approx(0.277 / (2 * 1.499))
    named = " ".join(finding.message for finding in materials.findings if finding.code == "EVIDENCE-RECALLED")
    named = named.replace("/", " ")
    for key in ("B white matter E", "B gray matter E", "B white matter nu", "B pia mater E", "B pia mater thickness"):
        assert key in named


def test_set_c_is_soft_and_says_that_poisson_is_assumed():
    materials = cord_materials(CordSettings(material_set="C"))
    assert materials.young == pytest.approx(0.51e-3)
    assert "POISSON-ASSUMED" in {finding.code for finding in materials.findings}
    assert "POISSON-ASSUMED" not in {
        finding.code for finding in cord_materials(CordSettings(material_set="C", poisson=0.45)).findings
    }


@pytest.mark.parametrize(
    "wrong", [{"preset": "huge"}, {"material_set": "D"}, {"poisson": 0.5}, {"ends": "glued"}, {"margin_mm": 0.0}]
)
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(UsageError):
        CordSettings(**wrong)


def test_end_springs_add_up_to_the_missing_cord():
    settings = CordSettings(missing_cord_mm=80.0)
    materials = cord_materials(settings)
    outlines = sample_outlines(neck(radius=80.0))
    tube = mesh_cord(outlines, s=np.linspace(10, 70, 13), preset=PRESETS["fine"])
    springs = end_supports(tube, materials=materials, settings=settings).springs
    axial = np.abs(springs.directions @ tube.outlines.tangent[0]) > 0.999
    lower = springs.nodes < tube.mesh.section_size
    # EA/L: ellipse area pi a b, Ramanujan's perimeter.
    a, b = CORD
    h = ((a - b) / (a + b)) ** 2
    perimeter = np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))
    expected = (materials.young * np.pi * a * b + 39.3 * 0.1 * perimeter) / 80.0
    assert springs.stiffness[axial & lower].sum() == pytest.approx(expected, rel=0.01)
    assert len(springs.nodes) == 6 * tube.mesh.section_size


def test_free_ends_have_no_axial_spring():
    settings = CordSettings(ends="free")
    tube = mesh_cord(sample_outlines(neck()), s=np.linspace(10, 70, 13), preset=PRESETS["coarse"])
    springs = end_supports(tube, materials=cord_materials(settings), settings=settings).springs
    assert np.abs(springs.directions[:, 2]).max() < 1e-6
