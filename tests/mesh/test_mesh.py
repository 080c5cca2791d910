"""Swept meshes against the reference generator, closed forms and themselves after a round trip."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canalrisk.errors import GeometryError, InputRefused
from canalrisk.mesh import (
    disc_section,
    ellipse_outlines,
    elliptic_cylinder,
    gray_matter,
    lateral_quads,
    quality_findings,
    read_vtu,
    scaled_jacobian,
    sweep_section,
    write_vtu,
)

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "meshgen.py"


@pytest.mark.skipif(not REFERENCE.exists(), reason="reference generator not beside the repository")
@pytest.mark.parametrize("size", ["S", "M"])
def test_cylinder_is_the_reference_mesh_node_for_node(size):
    spec = importlib.util.spec_from_file_location("meshgen", REFERENCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    points, cells, surface, sets = module.cord(size)
    mesh = elliptic_cylinder(size)
    assert np.abs(mesh.points - points).max() < 1e-12
    assert np.array_equal(np.sort(mesh.cells, axis=1), np.sort(cells, axis=1))
    assert np.array_equal(mesh.surface, surface)
    for name, nodes in sets.items():
        assert np.array_equal(mesh.node_sets[name], nodes), name


def test_published_node_counts_and_quality():
    # reference/README.md: S 6,897 nodes / 6,144 hexahedra.
    mesh = elliptic_cylinder("S")
    assert (mesh.n_nodes, len(mesh.cells)) == (6897, 6144)
    assert scaled_jacobian(mesh).min() > 0.2
    assert quality_findings(mesh, where="cord") == ()


def bent_mesh(radius=30.0, core=6):
    """Quarter of a torus of elliptic section (closed-form volume by Pappus)."""
    section = disc_section(core, rings=3)
    angle = np.linspace(0.0, np.pi / 2, 41)
    origins = radius * np.stack((np.cos(angle), 0 * angle, np.sin(angle)), axis=-1)
    right = np.stack((-np.cos(angle), 0 * angle, -np.sin(angle)), axis=-1)
    tangent = np.stack((-np.sin(angle), 0 * angle, np.cos(angle)), axis=-1)
    outlines = ellipse_outlines(section, half_widths=np.full(41, 6.0), half_depths=np.full(41, 4.0))
    return sweep_section(section, origins=origins, right=right, anterior=np.cross(tangent, right), outlines=outlines)


def divergence_volume(mesh):
    """Volume from corner tetrahedra of every cell (both diagonals averaged)."""
    x = mesh.points[mesh.cells]
    volume = 0.0
    for tet in ((0, 1, 3, 4), (1, 2, 3, 6), (1, 3, 4, 6), (1, 4, 5, 6), (3, 4, 6, 7)):
        a, b, c, d = (x[:, i] for i in tet)
        volume += np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a).sum() / 6
    return volume


def test_bent_tube_has_pappus_volume_and_outward_surface():
    mesh = bent_mesh(core=10)
    exact = np.pi * 6 * 4 * 30 * np.pi / 2
    assert divergence_volume(mesh) == pytest.approx(exact, rel=0.01)
    assert scaled_jacobian(mesh).min() > 0.2
    quads = mesh.points[mesh.surface]
    normal = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    middle = quads.mean(axis=1)
    station = mesh.surface[:, 0] // mesh.section_size
    axis = mesh.points.reshape(mesh.n_sections, -1, 3).mean(axis=1)[station]
    assert (np.einsum("ij,ij->i", normal, middle - axis) > 0).all()


def test_any_star_outline_is_met_by_the_ring():
    section = disc_section(6, rings=3)
    wobble = 1 + 0.15 * np.cos(3 * section.ring_angle)
    outlines = ellipse_outlines(section, half_widths=[6.0, 6.0], half_depths=[4.0, 4.0]) * wobble[None, :, None]
    axes = np.tile(np.eye(3)[:, None, :], (1, 2, 1))
    mesh = sweep_section(
        section, origins=np.array([[0, 0, 0], [0, 0, 2.0]]), right=axes[0], anterior=axes[1], outlines=outlines
    )
    assert np.abs(mesh.points[mesh.ring][:, :2] - outlines[0]).max() < 1e-12
    assert scaled_jacobian(mesh).min() > 0.2


def test_poor_cells_are_reported():
    mesh = elliptic_cylinder((4, 2, 2))
    flat = mesh.points.copy()
    flat[mesh.ring[0]] = flat[0]
    assert quality_findings(replace(mesh, points=flat), where="cord")[0].code == "MESH-QUALITY"


def test_stations_that_turn_back_are_refused():
    section = disc_section(4, rings=2)
    outlines = ellipse_outlines(section, half_widths=[6.0, 6.0], half_depths=[4.0, 4.0])
    axes = np.tile(np.eye(3)[:, None, :], (1, 2, 1))
    with pytest.raises(GeometryError):
        sweep_section(
            section, origins=np.array([[0, 0, 2.0], [0, 0, 0]]), right=axes[0], anterior=axes[1], outlines=outlines
        )


@pytest.mark.parametrize("fraction", [0.17, 0.20, 0.215])
def test_butterfly_covers_the_fraction_and_is_symmetric(fraction):
    # evidence/MECHANICS.md section 3: gray / cord area 0.174-0.214 from C2 to T1.
    rng = np.random.default_rng(0)
    disc = rng.uniform(-1, 1, (400_000, 2))
    disc = disc[(disc**2).sum(axis=1) < 1]
    inside = gray_matter(disc, fraction=fraction)
    assert inside.mean() == pytest.approx(fraction, abs=0.004)
    assert np.array_equal(inside, gray_matter(disc * (-1, 1), fraction=fraction))
    assert inside[(disc[:, 1] > 0)].sum() != inside[(disc[:, 1] < 0)].sum()


def test_vtu_round_trip_keeps_everything(tmp_path):
    mesh = bent_mesh(core=4)
    mesh = replace(mesh, cell_data=mesh.cell_data | {"gray": np.arange(len(mesh.cells)) % 2 == 0})
    path = write_vtu(mesh, tmp_path / "cord.vtu", point_data={"displacement": mesh.points * 0.1})
    back = read_vtu(path)
    assert [p.name for p in tmp_path.iterdir()] == ["cord.vtu"]
    assert np.allclose(back.points, mesh.points)
    assert np.array_equal(back.cells, mesh.cells)
    assert (back.section_size, back.n_sections) == (mesh.section_size, mesh.n_sections)
    assert np.array_equal(back.node_sets["ends"], mesh.node_sets["ends"])
    assert np.array_equal(back.cell_data["gray"], mesh.cell_data["gray"])
    assert np.allclose(back.node_data["disc"], mesh.node_data["disc"])
    assert np.allclose(back.node_data["displacement"], mesh.points * 0.1)
    key = np.lexsort(np.sort(mesh.surface, axis=1).T)
    again = np.lexsort(np.sort(back.surface, axis=1).T)
    assert np.array_equal(np.sort(mesh.surface, axis=1)[key], np.sort(back.surface, axis=1)[again])


def test_recovered_surface_points_outward():
    mesh = elliptic_cylinder((4, 2, 3))
    surface = lateral_quads(mesh.cells, section_size=mesh.section_size, n_sections=mesh.n_sections)
    quads = mesh.points[surface]
    normal = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    assert (np.einsum("ij,ij->i", normal[:, :2], quads.mean(axis=1)[:, :2]) > 0).all()


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.vtu").write_text("<VTKFile/>")
    with pytest.raises(InputRefused):
        read_vtu(tmp_path / "x.vtu")
