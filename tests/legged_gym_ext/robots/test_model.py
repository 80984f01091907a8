"""The generated MJCF and URDF: what they say, and how the compiled robots behave."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from legged_gym_ext.robots import a1, go1
from legged_gym_ext.robots.assemble import assemble
from legged_gym_ext.robots.base import GeomCfg, RobotCfg
from legged_gym_ext.robots.model import RESOURCES, robot_mjcf, robot_urdf, write_models

BOTH = pytest.mark.parametrize("cfg", [go1.GO1, a1.A1], ids=lambda cfg: cfg.name)
MIRROR = np.array([-1.0, 1.0, 1.0])  # hip angles change sign from left to right
SWAPPED = np.array([3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8])  # joints of the leg on the other side
GROUND = (
    '<option timestep="0.005" integrator="implicitfast"/>'
    '<worldbody><geom type="plane" size="0 0 1" contype="2" conaffinity="1" friction="0.9"/>'
)


def on_ground(cfg: RobotCfg) -> tuple[mujoco.MjModel, mujoco.MjData]:
    """The robot in its default pose on a plane, with the default pose commanded."""
    model = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=False).replace("<worldbody>", GROUND, 1))
    data = mujoco.MjData(model)
    data.qpos[7:] = cfg.default_dof_pos
    data.ctrl[:] = cfg.default_dof_pos
    return model, data


def symmetric(cfg: RobotCfg) -> RobotCfg:
    """The robot without what is not mirror symmetric: the trunk's lateral center of mass, Go1's equal calves."""
    trunk, leg = {"go1": (go1.TRUNK, go1.LEG), "a1": (a1.TRUNK, a1.LEG)}[cfg.name]
    ixx, _, ixz, iyy, _, izz = trunk.inertia
    trunk = replace(trunk, com=(trunk.com[0], 0.0, trunk.com[2]), inertia=(ixx, 0.0, ixz, iyy, 0.0, izz))
    leg = replace(leg, mirror_calf=True)
    return assemble(cfg.name, trunk, leg, cfg.default_dof_pos, cfg.base_height, cfg.stiffness[0], cfg.damping[0])


@BOTH
@pytest.mark.parametrize("suffix", [".xml", ".urdf"])
def test_the_committed_files_are_what_the_generator_writes(cfg: RobotCfg, suffix: str):
    text = robot_mjcf(cfg, visual=True) if suffix == ".xml" else robot_urdf(cfg)
    assert (RESOURCES / cfg.name / (cfg.name + suffix)).read_text(encoding="utf-8") == text


def test_write_models_writes_both_formats_of_every_robot(tmp_path: Path):
    names = [path.relative_to(tmp_path).as_posix() for path in write_models(tmp_path)]
    assert sorted(names) == ["a1/a1.urdf", "a1/a1.xml", "go1/go1.urdf", "go1/go1.xml"]


def test_the_command_writes_only_when_told_to(tmp_path: Path):
    command = [sys.executable, "-m", "legged_gym_ext.robots.model", "--folder", str(tmp_path)]
    root = Path(go1.__file__).parents[2]
    subprocess.run(command, check=True, cwd=root, capture_output=True)
    assert list(tmp_path.iterdir()) == []
    subprocess.run([*command, "--write"], check=True, cwd=root, capture_output=True)
    assert (tmp_path / "go1" / "go1.xml").read_text(encoding="utf-8") == robot_mjcf(go1.GO1, visual=True)


@BOTH
def test_the_compiled_model_has_the_bodies_joints_and_masses_of_the_table(cfg: RobotCfg):
    model = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=True))
    assert tuple(model.body(i).name for i in range(1, model.nbody)) == cfg.body_names
    assert tuple(model.joint(i).name for i in range(1, model.njnt)) == cfg.dof_names
    assert tuple(model.actuator(i).name for i in range(model.nu)) == cfg.dof_names
    assert model.body_mass[1:] == pytest.approx([link.mass for link in cfg.links])
    assert model.jnt_range[1:] == pytest.approx(np.array([(j.lower, j.upper) for j in cfg.joints]))
    assert np.all(model.jnt_limited[1:] == 1)
    assert model.dof_armature[6:] == pytest.approx(0.01)
    assert model.dof_frictionloss[6:] == pytest.approx([j.friction for j in cfg.joints])
    assert model.dof_damping[6:] == pytest.approx([j.damping for j in cfg.joints])


@BOTH
def test_the_compiled_inertia_is_that_of_the_table(cfg: RobotCfg):
    model = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=False))
    for i, link in enumerate(cfg.links, start=1):
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, model.body_iquat[i])
        rotation = rotation.reshape(3, 3)
        tensor = rotation @ np.diag(model.body_inertia[i]) @ rotation.T
        ixx, ixy, ixz, iyy, iyz, izz = link.inertia
        assert tensor == pytest.approx(np.array([[ixx, ixy, ixz], [ixy, iyy, iyz], [ixz, iyz, izz]]), abs=1e-9)
        assert model.body_ipos[i] == pytest.approx(link.com, abs=1e-9)


@BOTH
def test_the_physics_model_has_no_shapes_that_are_only_seen(cfg: RobotCfg):
    bare = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=False))
    drawn = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=True))
    assert bare.ngeom == 17 and set(bare.geom_group) == {3}
    assert drawn.ngeom == 17 + sum(len(link.visual) for link in cfg.links)
    seen = drawn.geom_group == 2
    assert seen.sum() == drawn.ngeom - 17
    assert not drawn.geom_contype[seen].any() and not drawn.geom_conaffinity[seen].any()
    assert drawn.body_mass == pytest.approx(bare.body_mass)


def test_the_names_of_two_robots_can_be_kept_apart():
    model = mujoco.MjModel.from_xml_string(robot_mjcf(a1.A1, visual=True, name_prefix="left_"))
    assert model.body("left_FL_foot").id > 0
    assert model.joint("left_RR_calf_joint").id > 0
    assert model.site("left_imu").id == 0


@BOTH
def test_a_foot_is_the_lowest_point_of_the_default_pose_and_touches_the_ground(cfg: RobotCfg):
    model, data = on_ground(cfg)
    mujoco.mj_forward(model, data)
    bodies = [model.geom(i).name.split("_collision")[0] for i in range(1, model.ngeom)]
    clearance = {body: mujoco.mj_geomDistance(model, data, 0, i, 1.0, None) for i, body in enumerate(bodies, start=1)}
    assert clearance["FL_foot"] == pytest.approx(0.0, abs=1e-4)
    assert clearance["FR_foot"] == pytest.approx(clearance["FL_foot"], abs=1e-9)
    assert min(value for body, value in clearance.items() if not body.endswith("foot")) > 0.005


@BOTH
def test_it_stands_on_four_feet_that_carry_its_weight(cfg: RobotCfg):
    model, data = on_ground(cfg)
    mujoco.mj_step(model, data, 600)
    feet = [model.body(name).id for name in cfg.foot_names]
    weight = 9.81 * sum(link.mass for link in cfg.links)
    assert data.cfrc_ext[feet, 5].min() > 0.15 * weight
    assert data.cfrc_ext[feet, 5].sum() == pytest.approx(weight, rel=0.01)
    assert cfg.base_height - 0.05 < data.qpos[2] < cfg.base_height


def test_the_robots_friction_counts_and_it_does_not_touch_itself():
    model, data = on_ground(replace(go1.GO1, friction=0.5))
    mujoco.mj_step(model, data, 20)
    assert data.ncon > 0
    assert {float(contact.friction[0]) for contact in data.contact} == {0.5}  # the ground's 0.9 would win by size
    folded = np.tile([0.0, 4.4, -2.8], 4)  # calves folded onto thighs, thighs up against the trunk
    data.qpos[2], data.qpos[7:] = 5.0, folded
    mujoco.mj_forward(model, data)
    assert data.ncon == 0


@BOTH
def test_mirrored_legs_have_mirrored_inertia(cfg: RobotCfg):
    model = mujoco.MjModel.from_xml_string(robot_mjcf(symmetric(cfg), visual=False))
    data = mujoco.MjData(model)
    data.qpos[7:] = np.concatenate([[0.3, 0.7, -1.2], MIRROR * [0.3, 0.7, -1.2]] * 2)
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    for left, right in ((6, 9), (12, 15)):
        block = full[left : left + 3, left : left + 3]
        assert full[right : right + 3, right : right + 3] == pytest.approx(np.outer(MIRROR, MIRROR) * block)


@BOTH
def test_a_mirrored_flight_mirrors_every_motion(cfg: RobotCfg):
    model = mujoco.MjModel.from_xml_string(robot_mjcf(symmetric(cfg), visual=False))
    flights = [mujoco.MjData(model), mujoco.MjData(model)]
    flip = np.tile(MIRROR, 4)
    start = np.array(cfg.default_dof_pos)
    targets = start + np.random.default_rng(0).uniform(-0.4, 0.4, 12)
    for data, commanded in zip(flights, (targets, flip * targets[SWAPPED]), strict=True):
        data.qpos[7:], data.ctrl[:] = start, commanded
        mujoco.mj_step(model, data, 100)
    ours, theirs = (data.qpos for data in flights)
    assert theirs[7:] == pytest.approx(flip * ours[7:][SWAPPED], abs=1e-8)
    assert theirs[:3] == pytest.approx(ours[:3] * [1, -1, 1], abs=1e-8)
    assert theirs[3:7] == pytest.approx(ours[3:7] * [1, -1, 1, -1], abs=1e-8)
    assert np.abs(ours[7:] - start).max() > 0.1


@BOTH
def test_the_urdf_has_the_same_masses_limits_and_tree(cfg: RobotCfg):
    root = ET.fromstring(robot_urdf(cfg))
    masses = {link.get("name"): float(link.find("inertial/mass").get("value")) for link in root.findall("link")}
    assert masses == pytest.approx({link.name: link.mass for link in cfg.links})
    joints = {joint.get("name"): joint for joint in root.findall("joint")}
    assert len(joints) == 16
    for joint in cfg.joints:
        limit = joints[joint.name].find("limit")
        values = [float(limit.get(key)) for key in ("lower", "upper", "effort", "velocity")]
        assert values == pytest.approx([joint.lower, joint.upper, joint.torque_limit, joint.velocity_limit])
    for foot in cfg.foot_names:
        assert joints[f"{foot}_fixed"].get("type") == "fixed"


@BOTH
def test_mujoco_reads_the_urdf_as_the_same_robot(cfg: RobotCfg):
    text = robot_urdf(cfg).replace("<link", '<mujoco><compiler fusestatic="false"/></mujoco><link', 1)
    from_urdf = mujoco.MjModel.from_xml_string(text)
    from_mjcf = mujoco.MjModel.from_xml_string(robot_mjcf(cfg, visual=False))
    data_urdf, data_mjcf = mujoco.MjData(from_urdf), mujoco.MjData(from_mjcf)
    data_urdf.qpos[:] = data_mjcf.qpos[7:] = cfg.default_dof_pos
    data_mjcf.qpos[:3] = 0.0
    mujoco.mj_kinematics(from_urdf, data_urdf)
    mujoco.mj_kinematics(from_mjcf, data_mjcf)
    for name in cfg.body_names[1:]:
        assert data_urdf.body(name).xpos == pytest.approx(data_mjcf.body(name).xpos, abs=1e-9)
        assert from_urdf.body(name).mass == pytest.approx(from_mjcf.body(name).mass)


def test_the_urdf_writes_a_capsule_as_a_cylinder_with_round_ends():
    tilted = GeomCfg("capsule", (0.1, 0.5), (1.0, 0.0, 0.0), (0.0, np.pi / 2, 0.0))  # along x from 0.5 to 1.5
    cfg = replace(a1.A1, links=(replace(a1.A1.links[0], collision=(tilted,)), *a1.A1.links[1:]))
    parts = ET.fromstring(robot_urdf(cfg)).find("link").findall("collision")
    assert parts[0].find("geometry/cylinder").attrib == {"radius": "0.1", "length": "1"}
    ends = [[float(v) for v in part.find("origin").get("xyz").split()] for part in parts[1:]]
    assert ends == [pytest.approx([1.5, 0.0, 0.0]), pytest.approx([0.5, 0.0, 0.0])]
