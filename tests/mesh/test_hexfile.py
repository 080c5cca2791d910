"""Meshes as mesh generators write them: two cubes side by side along x, by hand in each format."""

from __future__ import annotations

from pathlib import Path

import meshio
import numpy as np
import pytest

from canalrisk.errors import CanalriskError, InputRefused, UnitError
from canalrisk.mesh import HexMesh, read_hex_mesh, write_vtu

# Node 13 belongs to no hexahedron.
NODES = [(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1, 2)] + [(9, 9, 9)]
HEXES = [(1, 2, 5, 4, 7, 8, 11, 10), (2, 3, 6, 5, 8, 9, 12, 11)]
LEFT = (1, 4, 10, 7)

ABAQUS = "\n".join(
    [
        "*HEADING", "two cubes", "*NODE",
        *(f"{k}, {x}., {y}., {z}." for k, (x, y, z) in enumerate(NODES, 1)),
        "*ELEMENT, TYPE=C3D8H, ELSET=BODY",
        *(f"{k}, " + ", ".join(map(str, nodes)) for k, nodes in enumerate(HEXES, 1)),
        "*NSET, NSET=FIXED", "1, 4, 7, 10", "*ELSET, ELSET=TIP", "2", "",
    ]
)  # fmt: skip

GMSH = "\n".join(
    [
        "$MeshFormat", "2.2 0 8", "$EndMeshFormat",
        "$PhysicalNames", "3", '2 7 "FIXED"', '3 8 "ROOT"', '3 9 "TIP"', "$EndPhysicalNames",
        "$Nodes", "13", *(f"{k} {x} {y} {z}" for k, (x, y, z) in enumerate(NODES, 1)), "$EndNodes",
        "$Elements", "3",
        "1 3 2 7 1 " + " ".join(map(str, LEFT)),
        *(f"{k + 2} 5 2 {8 + k} 1 " + " ".join(map(str, nodes)) for k, nodes in enumerate(HEXES)),
        "$EndElements", "",
    ]
)  # fmt: skip


def written(folder: Path, kind: str) -> Path:
    path = folder / f"cubes.{kind}"
    if kind == "vtu":
        cells = [("quad", np.array([LEFT]) - 1), ("hexahedron", np.array(HEXES) - 1)]
        flags = {"set:FIXED": np.isin(np.arange(1, 14), LEFT).astype(np.int8), "heat": np.arange(13.0)}
        labels = {"label": [np.array([5]), np.array([1, 2])], "set:TIP": [np.array([0]), np.array([0, 1])]}
        meshio.Mesh(np.array(NODES, float), cells, point_data=flags, cell_data=labels).write(path)
    else:
        path.write_text(ABAQUS if kind == "inp" else GMSH)
    return path


@pytest.mark.parametrize("kind", ["inp", "msh", "vtu"])
def test_two_cubes(tmp_path: Path, kind: str) -> None:
    mesh = read_hex_mesh(written(tmp_path, kind), unit="cm")
    assert mesh.points == pytest.approx(10.0 * np.array(NODES[:12], float))
    assert np.array_equal(mesh.cells, np.array(HEXES) - 1)
    assert (mesh.section_size, mesh.n_sections) == (0, 0)
    assert np.array_equal(mesh.node_sets["FIXED"], [0, 3, 6, 9])
    assert np.array_equal(mesh.cell_data["set:TIP"], [0, 1])
    # Ten outer faces of area 100 mm2, pointing out: their flux of x / 3 is the volume, 2 cm3.
    quads = mesh.points[mesh.surface]
    normal = 0.5 * np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    assert np.linalg.norm(normal, axis=1) == pytest.approx(np.full(10, 100.0))
    assert np.einsum("ki,ki->", quads.mean(axis=1), normal) / 3 == pytest.approx(2000.0)
    if kind == "vtu":
        assert np.array_equal(mesh.cell_data["label"], [1, 2])
        assert np.array_equal(mesh.node_data["heat"], np.arange(12.0))


def test_written_mesh_comes_back(tmp_path: Path) -> None:
    mesh = read_hex_mesh(written(tmp_path, "inp"))
    again = read_hex_mesh(write_vtu(mesh, tmp_path / "again.vtu"))
    assert np.array_equal(again.points, mesh.points)
    assert np.array_equal(again.cells, mesh.cells)
    assert np.array_equal(again.node_sets["FIXED"], mesh.node_sets["FIXED"])
    assert np.array_equal(again.cell_data["set:TIP"], mesh.cell_data["set:TIP"])


def _swap(text: str) -> str:
    return text.replace("1, 1, 2, 5, 4, 7, 8, 11, 10", "1, 7, 8, 11, 10, 1, 2, 5, 4")


BAD = {
    "nothing.vtu": None,
    "empty.inp": "",
    "notes.txt": "no mesh",
    "broken.vtu": "<VTKFile",
    "cut.msh": GMSH[: len(GMSH) // 2],
    "cut.inp": ABAQUS.replace("8, 1., 0., 1.", "8, 1."),
    "tetra.inp": ABAQUS.replace("C3D8H", "C3D4").replace("1, 2, 5, 4, 7, 8, 11, 10", "1, 2, 4, 7"),
    "quadratic.inp": ABAQUS.replace("C3D8H", "C3D20"),
    "inside-out.inp": _swap(ABAQUS),
    "missing-node.inp": ABAQUS.replace("\n12, 2., 1., 1.", ""),
    "infinite.inp": ABAQUS.replace("8, 1., 0., 1.", "8, 1., nan, 1."),
    "threefold.inp": ABAQUS.replace(
        "*NSET, NSET=FIXED", "3, 2, 3, 6, 5, 8, 9, 12, 11\n4, 2, 3, 6, 5, 8, 9, 12, 11\n*NSET, NSET=FIXED"
    ),
    "faces-only.vtu": "quads",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_three_lines(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path, text = tmp_path / name, BAD[name]
    if text == "quads":
        meshio.Mesh(np.array(NODES, float), [("quad", np.array([LEFT]) - 1)]).write(path)
    elif text is not None:
        path.write_text(text)
    with pytest.raises(InputRefused) as caught:
        read_hex_mesh(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert name in lines[1]
    assert str(tmp_path) not in str(caught.value)
    assert "Traceback" not in capsys.readouterr().out


def test_unit_is_checked(tmp_path: Path) -> None:
    with pytest.raises(UnitError):
        read_hex_mesh(written(tmp_path, "inp"), unit="inch")  # type: ignore[arg-type]


def test_solid_is_solved_on_a_mesh_from_a_file(tmp_path: Path) -> None:
    # Uniaxial tension of the bar of two cubes, 20 mm long: closed form of the nearly incompressible neo-Hookean solid.
    from canalrisk.fem import Load, Model, NeoHookean, Supports, dofs, prepare, set_dofs, solve

    mesh: HexMesh = read_hex_mesh(written(tmp_path, "msh"), unit="cm")
    x, y, z = mesh.points.T
    ends = dofs(np.flatnonzero(x > 19.9), axes=(0,))
    sides = [dofs(np.flatnonzero(v < 0.1), axes=(k,)) for k, v in ((1, y), (2, z))]
    fixed = np.concatenate([set_dofs(mesh, "FIXED", axes=(0,)), *sides, ends])
    system = prepare(Model(mesh=mesh, materials=(NeoHookean(0.1, 1e4),), supports=Supports(fixed=fixed)))
    state = solve(system, [Load(prescribed=np.where(np.isin(fixed, ends), 4.0, 0.0))])[0]
    assert state.converged, state.reason
    assert state.reactions[x > 19.9, 0].sum() == pytest.approx(0.1 * (1.2 - 1.2**-2) * 100.0, rel=1e-4)
    with pytest.raises(CanalriskError, match="no node set"):
        set_dofs(mesh, "fixed")
