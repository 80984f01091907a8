"""Surfaces of irregular meshes against the functions that they were made of."""

from __future__ import annotations

import numpy as np
import pytest

from isaacgym.engine.rasterize import surface_of_mesh


def _scattered(height: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Vertices over a rectangle of 4 m by 2 m that are no grid: those inside are moved by up to 7 cm."""
    x, y = np.meshgrid(np.linspace(0, 4, 17), np.linspace(0, 2, 9), indexing="ij")
    rng = np.random.default_rng(3)
    x[1:-1, 1:-1] += rng.uniform(-0.07, 0.07, (15, 7))
    y[1:-1, 1:-1] += rng.uniform(-0.07, 0.07, (15, 7))
    corner = (9 * np.arange(16)[:, None] + np.arange(8)).ravel()
    triangles = np.concatenate([corner + np.array([[0], [9], [10]]), corner + np.array([[0], [10], [1]])], axis=1).T
    points = np.column_stack([x.ravel(), y.ravel()])
    return np.column_stack([points, height + 0.3 * points[:, 0] - 0.1 * points[:, 1]]), triangles


def test_a_scattered_mesh_of_a_plane_has_the_heights_of_the_plane() -> None:
    vertices, triangles = _scattered()
    field = surface_of_mesh(vertices, triangles, spacing=0.1)
    assert field is not None
    assert field.heights.shape == (41, 21)
    assert (field.spacing_x, field.spacing_y) == pytest.approx((0.1, 0.1))
    x, y = np.meshgrid(np.linspace(0, 4, 41), np.linspace(0, 2, 21), indexing="ij")
    assert np.allclose(field.heights, 0.3 * x - 0.1 * y, atol=1e-5)


def test_two_surfaces_above_each_other_are_none() -> None:
    lower, triangles = _scattered()
    upper, _ = _scattered(height=1.0)
    both = np.concatenate([lower, upper]), np.concatenate([triangles, triangles + len(lower)])
    assert surface_of_mesh(*both) is None


def test_a_closed_solid_is_none() -> None:
    lower, triangles = _scattered()
    upper, _ = _scattered(height=1.0)
    shell = np.concatenate([lower, upper]), np.concatenate([triangles[:, ::-1], triangles + len(lower)])
    assert surface_of_mesh(*shell) is None
