"""Assets against MuJoCo's own URDF importer, for files that both read: places, masses and inertias of all bodies."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from isaacgym.engine.asset import Asset, load_asset
from isaacgym.engine.frames import compose, quat_multiply, quat_to_matrix, rotate, wxyz_to_xyzw
from isaacgym.engine.options import AssetOptions

ROBOTS = Path(__file__).parents[3] / "resources" / "robots"


def places(asset: Asset, angles: dict[str, float]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return position and rotation of every body, in the frame of the root, at joint angles in rad."""
    poses: list[tuple[np.ndarray, np.ndarray]] = []
    for index, body in enumerate(asset.bodies):
        pos, quat = (body.pos, body.quat) if body.parent < 0 else compose(*poses[body.parent], body.pos, body.quat)
        for dof in (dof for dof in asset.dofs if dof.body == index):
            half = angles[dof.name] / 2
            quat = quat_multiply(quat, np.append(np.sin(half) * dof.axis, np.cos(half)))
        poses.append((pos, quat))
    return {body.name: pose for body, pose in zip(asset.bodies, poses, strict=True)}


def of_mujoco(path: Path, *, fuse: bool) -> mujoco.MjModel:
    spec = mujoco.MjSpec.from_file(str(path))
    spec.compiler.fusestatic = fuse
    spec.compiler.discardvisual = True
    return spec.compile()


@pytest.mark.parametrize("name", ["go1", "a1"])
def test_bodies_are_where_mujoco_puts_them(name: str) -> None:
    path = ROBOTS / name / f"{name}.urdf"
    asset = load_asset(path.parent, path.name, AssetOptions())
    model = of_mujoco(path, fuse=False)
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    data.qpos[:] = rng.uniform(-1, 1, model.nq)
    mujoco.mj_kinematics(model, data)
    angles = {model.jnt(i).name: float(data.qpos[i]) for i in range(model.njnt)}
    assert sorted(angles) == sorted(dof.name for dof in asset.dofs)
    for body, (pos, quat) in places(asset, angles).items():
        if body == asset.bodies[0].name:
            continue  # MuJoCo makes the root part of its world
        theirs = data.body(body)
        np.testing.assert_allclose(pos, theirs.xpos, atol=1e-9, err_msg=body)
        np.testing.assert_allclose(quat_to_matrix(quat), theirs.xmat.reshape(3, 3), atol=1e-9, err_msg=body)


@pytest.mark.parametrize("name", ["go1", "a1"])
def test_masses_and_inertias_are_those_of_mujoco(name: str) -> None:
    path = ROBOTS / name / f"{name}.urdf"
    asset = load_asset(path.parent, path.name, AssetOptions())
    model = of_mujoco(path, fuse=False)
    for body in asset.bodies[1:]:
        theirs = model.body(body.name)
        assert body.mass == pytest.approx(theirs.mass[0]), body.name
        np.testing.assert_allclose(body.com, theirs.ipos, atol=1e-9, err_msg=body.name)
        turn = quat_to_matrix(wxyz_to_xyzw(theirs.iquat))
        np.testing.assert_allclose(body.inertia, turn @ np.diag(theirs.inertia) @ turn.T, atol=1e-9, err_msg=body.name)


@pytest.mark.parametrize("name", ["go1", "a1"])
def test_collapsing_everything_is_what_mujoco_calls_fusing(name: str, tmp_path: Path) -> None:
    text = (ROBOTS / name / f"{name}.urdf").read_text().replace('dont_collapse="true"', "")
    (tmp_path / "robot.urdf").write_text(text)
    asset = load_asset(tmp_path, "robot.urdf", AssetOptions(collapse_fixed_joints=True))
    model = of_mujoco(tmp_path / "robot.urdf", fuse=True)
    assert {body.name for body in asset.bodies[1:]} == {model.body(i).name for i in range(1, model.nbody)}
    for body in asset.bodies[1:]:
        theirs = model.body(body.name)
        assert body.mass == pytest.approx(theirs.mass[0]), body.name
        np.testing.assert_allclose(body.com, theirs.ipos, atol=1e-8, err_msg=body.name)
        turn = quat_to_matrix(wxyz_to_xyzw(theirs.iquat))
        np.testing.assert_allclose(body.inertia, turn @ np.diag(theirs.inertia) @ turn.T, atol=1e-8, err_msg=body.name)
        assert len(body.shapes) == theirs.geomnum[0], body.name


def test_the_root_of_an_asset_is_at_its_origin() -> None:
    asset = load_asset(ROBOTS / "go1", "go1.urdf", AssetOptions())
    pos, quat = places(asset, {dof.name: 0.0 for dof in asset.dofs})[asset.bodies[0].name]
    np.testing.assert_allclose(pos, np.zeros(3))
    np.testing.assert_allclose(rotate(quat, (1, 2, 3)), (1, 2, 3))
