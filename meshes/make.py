"""Write the meshes of this folder: elliptic cylinders of a cord's size, the sizes of the verification problems.

usage: python meshes/make.py
"""

from pathlib import Path

from canalrisk.mesh import elliptic_cylinder, write_vtu

if __name__ == "__main__":
    folder = Path(__file__).parent
    for size in ("S",):
        write_vtu(elliptic_cylinder(size), folder / f"elliptic_cylinder_{size}.vtu")
