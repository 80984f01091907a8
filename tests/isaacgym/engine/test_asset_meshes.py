"""Mesh files of every kind that is read, and the hulls made of them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from isaacgym.engine.asset import AssetError, AssetNotFoundError
from isaacgym.engine.inertia import of_solid
from isaacgym.engine.mesh_files import find_mesh
from isaacgym.engine.meshes import convex_hull, read_mesh

CORNERS = [(x, y, z) for x in (0, 1) for y in (0, 2) for z in (0, 3)]
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
"""A box of 1 x 2 x 3 with outward faces."""
TRIANGLES = [t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))]


def binary_stl(header: bytes = b"") -> bytes:
    records = [struct.pack("<12fH", 0, 0, 0, *(x for i in t for x in CORNERS[i]), 0) for t in TRIANGLES]
    return header.ljust(80, b"\0") + struct.pack("<I", len(TRIANGLES)) + b"".join(records)


def text_stl() -> bytes:
    facets = []
    for triangle in TRIANGLES:
        rows = "\n".join("      vertex {} {:e} {}".format(*CORNERS[i]) for i in triangle)
        facets.append(f"  facet normal 0 0 0\n    outer loop\n{rows}\n    endloop\n  endfacet")
    return ("solid box\n" + "\n".join(facets) + "\nendsolid box\n").encode()


def obj() -> bytes:
    rows = ["# a box", "mtllib none.mtl", *("v {} {} {}".format(*corner) for corner in CORNERS), "vn 0 0 1", "vt 0 0"]
    rows += [f"f {a + 1} {b + 1}/1 {c + 1}/1/1 {d + 1}//1" for a, b, c, d in QUADS[:5]]
    rows.append("f " + " ".join(str(i - 8) for i in QUADS[5]))  # negative numbers count from the end
    return "\n".join(rows).encode()


FILES = {
    "binary.stl": binary_stl(),
    "upper.STL": binary_stl(b"exported"),
    "starts_like_text.stl": binary_stl(b"solid of binary records"),
    "text.stl": text_stl(),
    "box.obj": obj(),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_box(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    vertices, triangles = read_mesh(tmp_path / name)
    assert vertices.shape == (8, 3) and triangles.shape == (12, 3)
    assert sorted(map(tuple, vertices)) == sorted(CORNERS)
    assert of_solid(vertices, triangles, 1.0).mass == pytest.approx(6.0)


BROKEN = {
    "short.stl": (binary_stl()[:-60], "neither a binary STL"),
    "empty.obj": (b"v 0 0 0\n", "no triangles"),
    "index.obj": (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "not there"),
    "pointer.stl": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "scene.dae": (b"<COLLADA/>", "STL or OBJ"),
    "infinite.obj": (b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "finite"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_cannot_be_read_say_why(name: str, tmp_path: Path) -> None:
    content, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AssetError, match=message):
        read_mesh(tmp_path / name)


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(AssetNotFoundError, match=r"nothing\.stl"):
        read_mesh(tmp_path / "nothing.stl")


def test_the_hull_of_a_dented_box_is_the_box() -> None:
    dented = np.array([*CORNERS, (0.5, 1.0, 2.0), (0.5, 1.0, 1.5)], dtype=float)
    vertices, triangles = convex_hull(dented)
    assert sorted(map(tuple, vertices.round(6))) == sorted(CORNERS)
    assert of_solid(vertices, triangles, 1.0).mass == pytest.approx(6.0, rel=1e-6)  # so the faces point outward


def test_a_hull_with_too_many_corners_keeps_the_outermost() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(5000, 3))
    points *= np.array([1.0, 2.0, 4.0]) / np.linalg.norm(points, axis=1, keepdims=True) * 1e-3
    vertices, triangles = convex_hull(points)
    assert len(vertices) == 64
    np.testing.assert_allclose(np.ptp(vertices, axis=0), np.ptp(points, axis=0), rtol=1e-2)
    full = of_solid(*convex_hull(points, max_vertices=5000), 1.0).mass
    assert 0.85 * full < of_solid(vertices, triangles, 1.0).mass < full


@pytest.mark.parametrize("normal", [(0, 0, 1), (1, 2, 3)])
def test_a_flat_mesh_gets_a_hull_with_a_small_thickness(normal: tuple[int, int, int]) -> None:
    axis = np.array(normal) / np.linalg.norm(normal)
    u = np.cross(axis, (1.0, 0.3, 0.0))
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    square = np.array([a * u + b * v for a in (0.0, 0.2) for b in (0.0, 0.2)])
    vertices, triangles = convex_hull(square)
    assert np.ptp(vertices @ axis) < 1e-3
    assert of_solid(vertices, triangles, 1.0).mass > 0


def test_meshes_are_found_beside_above_and_inside_packages(tmp_path: Path) -> None:
    (tmp_path / "robot" / "urdf").mkdir(parents=True)
    (tmp_path / "robot" / "meshes").mkdir()
    mesh = tmp_path / "robot" / "meshes" / "hip.stl"
    mesh.write_bytes(b"")
    folder = tmp_path / "robot" / "urdf"
    for name in ("../meshes/hip.stl", "meshes/hip.stl", "package://robot/meshes/hip.stl", str(mesh)):
        found = find_mesh(name, folder)
        assert found is not None and found.resolve() == mesh, name
    assert find_mesh("package://another_name/meshes/hip.stl", folder) == mesh
    assert find_mesh("meshes/knee.stl", folder) is None
