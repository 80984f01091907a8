"""The contacts of legs with the height field against those that the engine finds by its general method."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import pytest
import torch
import warp as wp

from legged_gym_ext.robots.registry import get_robot
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.mujoco.model import compile_scene
from legged_gym_ext.sim.warp.ground import GroundContacts, take_from_engine
from legged_gym_ext.sim.warp.model import make_engine, mjw
from legged_gym_ext.terrain.height_field import HeightField, HeightFieldCfg

WORLDS = 96
DEEPEST = 0.005
GROUND = HeightFieldCfg(num_levels=1, strip_length=4.0, width=6.0, margin=2.0, roughness=(0.1, 0.1))


class Side:
    """An engine that finds these contacts itself, or leaves them to ``GroundContacts``."""

    def __init__(self, robot: str, field: HeightField, *, ours: bool) -> None:
        model = compile_scene(get_robot(robot), SimCfg(), SceneCfg(height_field=GROUND), field)
        geoms = take_from_engine(model) if ours else []
        with wp.ScopedDevice("cpu"):
            self.engine, self.data = make_engine(model, WORLDS, boxes=False)
            self.ground = GroundContacts(self.engine, self.data, geoms, field) if ours else None

    def contacts(self, qpos: torch.Tensor) -> dict[str, np.ndarray]:
        with wp.ScopedDevice("cpu"):
            wp.to_torch(self.data.qpos).copy_(qpos)
            mjw.kinematics(self.engine, self.data)
            mjw.collision(self.engine, self.data)
            if self.ground is not None:
                self.ground.append()
        contact, count = self.data.contact, int(self.data.nacon.numpy()[0])
        assert 0 < count < self.data.naconmax
        names = ("worldid", "geom", "dist", "pos", "frame", "dim", "friction", "solref", "solimp", "type")
        return {name: getattr(contact, name).numpy()[:count] for name in names}

    def deepest(self, qpos: torch.Tensor) -> dict[tuple[int, int], dict[str, Any]]:
        """The deepest contact of every geom of every world."""
        found = self.contacts(qpos)
        order = np.argsort(-found["dist"], kind="stable")
        return {
            (int(found["worldid"][i]), int(found["geom"][i, 1])): {name: value[i] for name, value in found.items()}
            for i in order
        }


def poses(robot: str, field: HeightField, side: Side) -> torch.Tensor:
    """Robots any way up, ``DEEPEST`` in the ground with what is lowest of them."""
    generator = torch.Generator().manual_seed(3)
    draw = torch.randn(WORLDS, 18, generator=generator)
    qpos = torch.zeros(WORLDS, 19)
    qpos[:, 0:2] = 3.0 * torch.rand(WORLDS, 2, generator=generator) - 1.5
    qpos[:, 3] = 1.0
    qpos[:, 3:7] += draw[:, 0:4] * torch.linspace(0.0, 2.0, WORLDS)[:, None]
    qpos[:, 3:7] /= qpos[:, 3:7].norm(dim=1, keepdim=True)
    qpos[:, 7:] = torch.tensor(get_robot(robot).default_dof_pos) + 0.3 * draw[:, 6:]
    qpos[:, 2] = 0.25
    for _ in range(25):
        found = side.contacts(qpos)
        low = torch.full((WORLDS,), 0.025)
        worlds, dist = torch.from_numpy(found["worldid"]).long(), torch.from_numpy(found["dist"])
        low.scatter_reduce_(0, worlds, dist, "amin")
        wrong = (low < -1.02 * DEEPEST) | (low > 0)
        qpos[:, 2] += torch.where(wrong, (-low - DEEPEST).clamp(-0.03, 0.05), 0.0)
    assert (~wrong).float().mean() > 0.9
    return qpos[~wrong][torch.arange(WORLDS) % int((~wrong).sum())]


def depth(field: HeightField, side: Side, world: int, geom: int) -> float:
    """How deep a sphere or capsule is in the ground, m, negative, by sampling its axis and the ground around it."""
    size = side.engine.geom_size.numpy()[0, geom]
    half = size[1] * side.data.geom_xmat.numpy()[world, geom][:, 2]
    axis = torch.from_numpy(side.data.geom_xpos.numpy()[world, geom] + np.linspace(-1.0, 1.0, 201)[:, None] * half)
    above = axis[:, 2] - field.height_at(axis[:, :2].float())
    points = axis[above < 0.03][:, None]
    grid = torch.linspace(-0.024, 0.024, 33)
    ground = points[..., :2] + torch.cartesian_prod(grid, grid)
    rise = field.height_at(ground.float()) - points[..., 2]
    squared = (ground - points[..., :2]).square().sum(-1) + rise.square()
    distance = float(squared.min().sqrt()) if len(points) else np.inf
    assert float(above.min()) > 0.0
    return distance - float(size[0])


@pytest.mark.parametrize("robot", ["go1", "a1"])
def test_feet_and_legs_touch_the_ground_where_it_is(robot: str) -> None:
    """Nearly all contacts are the engine's, and the depth of every tenth and of the others is that of samples.

    Its general method, in single precision, is sometimes centimeters wrong on steep ground, or finds what is not there.
    """
    field = HeightField(GROUND)
    engine, ours = Side(robot, field, ours=False), Side(robot, field, ours=True)
    qpos = poses(robot, field, ours)
    expected, found = engine.deepest(qpos), ours.deepest(qpos)
    for world, geom in expected.keys() ^ found.keys():
        touches = (world, geom) in found
        assert (depth(field, ours, world, geom) < 2e-4) if touches else (depth(field, ours, world, geom) > -2e-4)
    types = ours.engine.geom_type.numpy()
    same = []
    for world, geom in sorted(expected.keys() & found.keys()):
        contact, other = found[world, geom], expected[world, geom]
        for name in ("dim", "friction", "solref", "solimp", "type"):
            np.testing.assert_array_equal(contact[name], other[name], err_msg=name)
        np.testing.assert_allclose(contact["frame"] @ contact["frame"].T, np.eye(3), atol=1e-5)
        assert np.linalg.det(contact["frame"]) == pytest.approx(1.0, abs=1e-5)
        if types[geom] in (mujoco.mjtGeom.mjGEOM_SPHERE.value, mujoco.mjtGeom.mjGEOM_CAPSULE.value):
            normal = np.abs(contact["frame"][0] - other["frame"][0]).max()
            place = np.abs(contact["pos"] - other["pos"]).max()
            same.append(abs(contact["dist"] - other["dist"]) < 1e-5 and normal < 5e-3 and place < 5e-3)
            if not same[-1] or len(same) % 10 == 0:
                assert contact["dist"] == pytest.approx(depth(field, ours, world, geom), abs=2e-4)
    assert len(same) > 60
    assert np.mean(same) > 0.95


def test_a_capsule_that_crosses_a_ridge_touches_it_with_its_side() -> None:
    """Worked by hand: a ridge of slope 1 : 2 along y, and a level capsule across it whose axis is 8 mm above it."""
    cfg = HeightFieldCfg(num_levels=1, strip_length=2.0, width=2.0, margin=1.0, cell=0.5, feature_size=0.5)
    field = HeightField(cfg)
    x = torch.arange(field.heights.shape[0]) * cfg.cell + field.x_min
    field.heights = (-0.5 * x.abs())[:, None].expand_as(field.heights).contiguous()
    robot = get_robot("go1")
    model = compile_scene(robot, SimCfg(), SceneCfg(height_field=cfg), field)
    calf = next(i for i in range(model.ngeom) if model.geom(i).name.startswith("FL_calf") and model.geom_contype[i])
    geoms = take_from_engine(model)
    assert calf in geoms
    with wp.ScopedDevice("cpu"):
        engine, data = make_engine(model, 1, boxes=False)
        ground = GroundContacts(engine, data, [calf], field)
        center, along = wp.to_torch(data.geom_xpos)[0, calf], wp.to_torch(data.geom_xmat)[0, calf]
        center.copy_(torch.tensor([0.02, 0.1, 0.008]))
        along.copy_(torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]))  # its axis along x
        data.nacon.zero_()
        ground.append()
    radius = float(model.geom_size[calf, 0])
    count = int(data.nacon.numpy()[0])
    assert count == 2  # both sides of the ridge
    np.testing.assert_allclose(data.contact.dist.numpy()[:count], 0.008 - radius, atol=1e-6)
    np.testing.assert_allclose(data.contact.frame.numpy()[:count, 0], [[0.0, 0.0, 1.0]] * 2, atol=1e-5)
    np.testing.assert_allclose(data.contact.pos.numpy()[:count], [[0.0, 0.1, 0.5 * (0.008 - radius)]] * 2, atol=1e-5)
