"""Height fields: the surface asked for is the surface the engine has."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.mujoco.model import compile_scene
from legged_gym_ext.terrain.height_field import HeightField, HeightFieldCfg

SMALL = HeightFieldCfg(num_levels=3, strip_length=2.0, width=4.0, margin=1.0, roughness=(0.01, 0.3), seed=5)


def test_height_at_is_the_surface_of_the_engine() -> None:
    field = HeightField(SMALL)
    model = compile_scene(GO1, SimCfg(), SceneCfg(height_field=SMALL), field)
    data = mujoco.MjData(model)
    data.qpos[2] = 50.0  # out of the way of the rays
    mujoco.mj_forward(model, data)
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor([field.length, SMALL.width], dtype=torch.float64)
    unit = torch.rand(3000, 2, generator=generator, dtype=torch.float64)
    xy = torch.tensor([field.x_min, field.y_min]) + 0.01 + unit * (size - 0.02)
    expected = []
    for x, y in xy.tolist():
        down = np.array([0.0, 0.0, -1.0])
        distance = mujoco.mj_ray(model, data, np.array([x, y, 5.0]), down, None, 1, -1, np.zeros(1, np.int32), None)
        assert distance > 0
        expected.append(5.0 - distance)
    torch.testing.assert_close(field.height_at(xy), torch.tensor(expected, dtype=torch.float64), atol=1e-4, rtol=0)


def test_height_at_grid_points_and_between_them() -> None:
    field = HeightField(SMALL)
    i, j, cell = 12, 7, SMALL.cell
    x, y = field.x_min + i * cell, field.y_min + j * cell
    corner, along_x, along_y = field.heights[i, j], field.heights[i + 1, j], field.heights[i, j + 1]
    across = field.heights[i + 1, j + 1]
    points = torch.tensor([[x, y], [x + 0.25 * cell, y], [x, y + 0.5 * cell], [x + 0.5 * cell, y + 0.5 * cell]])
    expected = torch.stack((corner, 0.75 * corner + 0.25 * along_x, 0.5 * (corner + along_y), 0.5 * (corner + across)))
    torch.testing.assert_close(field.height_at(points), expected, atol=1e-5, rtol=0)


def test_bodies_touch_the_surface_that_rays_hit() -> None:
    """The diagonal of a cell: a small sphere over the middle of a cell whose corners are 1, 0, 0, 1 m high."""
    text = """<mujoco><asset><hfield name="h" nrow="2" ncol="2" size="0.5 0.5 1 0.5"/></asset><worldbody>
    <geom type="hfield" hfield="h"/><body pos="0 0 1.005"><freejoint/><geom type="sphere" size="0.01"/></body>
    </worldbody></mujoco>"""
    model = mujoco.MjModel.from_xml_string(text)
    model.hfield_data[:] = (1.0, 0.0, 0.0, 1.0)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert data.ncon > 0 and data.contact.dist[0] == pytest.approx(-0.005, abs=1e-6)
    field = HeightField(HeightFieldCfg(num_levels=1, strip_length=1.0, width=1.0, margin=0.0, cell=1.0))
    field.heights = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert float(field.height_at(torch.tensor([0.0, 0.0]))) == pytest.approx(1.0, abs=1e-3)


def test_points_off_the_field_get_the_height_of_its_edge() -> None:
    field = HeightField(SMALL)
    far = torch.tensor([[-100.0, -100.0], [100.0, 100.0]])
    expected = torch.stack((field.heights[0, 0], field.heights[-1, -1]))
    torch.testing.assert_close(field.height_at(far), expected, atol=2e-3, rtol=0)


def test_batches_of_any_shape() -> None:
    field = HeightField(SMALL)
    xy = torch.rand(3, 4, 5, 2)
    assert field.height_at(xy).shape == (3, 4, 5)
    assert torch.equal(field.height_at(xy)[1, 2], field.height_at(xy[1, 2]))


def test_levels_get_rougher() -> None:
    cfg = HeightFieldCfg()
    field = HeightField(cfg)
    spread = []
    for level in range(cfg.num_levels):
        start = round((cfg.margin + level * cfg.strip_length) / cfg.cell) + 1
        strip = field.heights[start : start + round(cfg.strip_length / cfg.cell) - 2]
        low, high = cfg.roughness
        allowed = low + (high - low) * level / (cfg.num_levels - 1)
        assert strip.max() - strip.min() <= allowed + 1e-6
        assert strip.max() - strip.min() >= 0.8 * allowed
        spread.append(float(strip.std()))
    assert spread[0] == 0.0 and spread == sorted(spread)
    assert abs(float(field.heights.mean())) < 1e-3


def test_the_origin_of_a_level_is_the_middle_of_its_strip() -> None:
    field = HeightField(SMALL)
    assert field.level_origin_x(torch.tensor([0, 2])).tolist() == [0.0, 4.0]
    # Margin 1 m, then three strips of 2 m: x from -2 to 6.
    assert field.x_min == -2.0 and field.length == 8.0 and field.num_levels == 3


def test_contains_knows_the_edges() -> None:
    field = HeightField(SMALL)
    xy = torch.tensor([[0.0, 0.0], [-0.9, 0.9], [-1.1, 0.0], [4.9, -0.9], [5.1, 0.0], [0.0, 1.1], [0.0, -1.1]])
    assert field.contains(xy).tolist() == [True, True, False, True, False, False, False]
    assert field.contains(xy, border=0.0).all()


def test_fields_are_reproducible_by_seed() -> None:
    other = HeightField(HeightFieldCfg(**(vars(SMALL) | {"seed": 6})))
    assert torch.equal(HeightField(SMALL).heights, HeightField(SMALL).heights)
    assert not torch.equal(HeightField(SMALL).heights, other.heights)


@pytest.mark.parametrize("levels", [1, 2])
def test_few_levels(levels: int) -> None:
    field = HeightField(HeightFieldCfg(num_levels=levels, width=4.0, margin=1.0))
    assert field.heights.isfinite().all()
