"""Roots through the foramina: names, published thickness, and where the ganglion lies."""

import numpy as np
import pytest
import torus

from canalrisk import evidence
from canalrisk.anatomy.roots import roots_of
from canalrisk.anatomy.sections import sample_planes


@pytest.fixture(scope="module")
def found(analytic_spine):
    return roots_of(analytic_spine)


def test_one_root_per_foramen_named_after_it(found, analytic_spine):
    roots, _ = found
    assert [(root.name, root.foramen, root.side) for root in roots] == [
        (foramen.root, foramen.name, foramen.side) for foramen in analytic_spine.foramina
    ]
    assert {root.name for root in roots} == {"C4", "C5", "C6"}


def test_radius_is_the_published_one_where_it_fits_and_never_in_bone(found, analytic_spine):
    roots, findings = found
    wall = analytic_spine.bone
    for root in roots:
        assert len(root.path) == len(root.s) == len(root.radius)
        room = sample_planes(wall, grid=analytic_spine.grid, points=root.path)
        assert (root.radius <= np.maximum(room, 0.3) + 1e-9).all()
        widest = evidence.value("mechanics", f"root_max_width/nerve root/{root.name}").value
        assert root.published.max() == pytest.approx(0.5 * widest)
    # The waist has a half width of 2.6 mm; C6's ganglion is 6.7 mm wide.
    c6 = next(root for root in roots if (root.name, root.side) == ("C6", "right"))
    inside = (c6.s > c6.ganglion[0]) & (c6.s < c6.ganglion[1])
    assert c6.radius[inside].min() == pytest.approx(torus.WAIST[0], abs=0.25)
    assert "C6 right" in next(f.message for f in findings if f.code == "ROOT-THINNED")


def test_the_ganglion_lies_outside_the_canal_and_its_place_is_told_as_recalled(found, analytic_spine):
    roots, findings = found
    for root in roots:
        start, end = root.ganglion
        assert end - start == pytest.approx(8.0)
        middle = np.array([np.interp(0.5 * (start + end), root.s, root.path[:, k]) for k in range(3)])
        assert sample_planes(analytic_spine.canal, grid=analytic_spine.grid, points=middle[None])[0] > 0
    assert sum(finding.code == "EVIDENCE-RECALLED" for finding in findings) == 2
