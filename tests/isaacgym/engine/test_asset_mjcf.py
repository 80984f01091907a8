"""MJCF import, and assets that callers describe by sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isaacgym.engine.asset import Asset, AssetError, load_asset
from isaacgym.engine.options import AssetOptions
from isaacgym.engine.primitives import box_asset, capsule_asset, sphere_asset

WALKER = """
<mujoco model="walker">
  <compiler angle="degree"/>
  <option apirate="200"/>
  <default>
    <geom density="500" material="paint"/>
    <joint damping="0.5" armature="0.01"/>
  </default>
  <asset>
    <texture name="wood" type="2d" file="wood.png"/>
    <material name="paint" texture="wood" rgba="1 0 0 1"/>
  </asset>
  <worldbody>
    <geom name="floor" type="plane" size="9 9 1" material="missing"/>
    <body name="torso" pos="0 0 1">
      <freejoint/>
      <geom type="box" size="0.1 0.1 0.1"/>
      <geom type="sphere" size="0.3" contype="0" conaffinity="0" mass="0"/>
      <body name="right" pos="0 -0.2 0">
        <joint name="z_last" axis="0 1 0" range="-90 45"/>
        <joint name="a_first" axis="1 0 0" pos="0 0 0.1" stiffness="7"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.4" size="0.05"/>
        <body name="toe" pos="0 0 -0.4"><geom type="sphere" size="0.05"/></body>
      </body>
      <body name="left" pos="0 0.2 0">
        <joint name="left_hip" type="slide" axis="0 0 1" range="0 0.2"/>
        <geom type="cylinder" size="0.05 0.2"/>
      </body>
    </body>
    <body name="table"><geom type="box" size="1 1 1"/></body>
  </worldbody>
  <contact><exclude body1="right" body2="left"/><exclude body1="right" body2="table"/></contact>
  <tendon>
    <fixed name="both" limited="true" range="-1 2">
      <joint joint="z_last" coef="1"/><joint joint="a_first" coef="-2"/>
    </fixed>
    <spatial name="rope"><site site="nowhere"/></spatial>
  </tendon>
  <actuator>
    <motor name="m" joint="z_last" gear="20" ctrllimited="true" ctrlrange="-0.5 0.5"/>
    <position name="p" joint="left_hip" kp="30" forcelimited="true" forcerange="-4 4"/>
  </actuator>
  <sensor><touch name="t" site="nowhere"/></sensor>
</mujoco>
"""


def load(folder: Path, text: str = WALKER, **options: object) -> Asset:
    (folder / "robot.xml").write_text(text)
    chosen = AssetOptions()
    for name, value in options.items():
        assert hasattr(chosen, name)
        setattr(chosen, name, value)
    return load_asset(folder, "robot.xml", chosen)


def test_a_file_that_mujoco_refuses_becomes_an_asset_in_its_own_order(tmp_path: Path) -> None:
    asset = load(tmp_path)
    assert asset.name == "walker" and not asset.fixed_base
    assert [body.name for body in asset.bodies] == ["torso", "right", "toe", "left"]
    assert [dof.name for dof in asset.dofs] == ["z_last", "a_first", "left_hip"]
    assert [dof.body for dof in asset.dofs] == [1, 1, 3]
    # The root starts where an actor's pose says, so its place in the file does not count.
    assert asset.bodies[0].pos.tolist() == [0, 0, 0] and asset.bodies[1].pos.tolist() == [0, -0.2, 0]


def test_joints_keep_their_range_place_gains_and_armature(tmp_path: Path) -> None:
    knee, roll, slide = load(tmp_path, default_dof_drive_mode=3).dofs
    np.testing.assert_allclose((knee.lower, knee.upper), (-np.pi / 2, np.pi / 4))
    assert knee.has_limits and not roll.has_limits
    assert (roll.pos.tolist(), roll.stiffness, roll.damping, roll.armature) == ([0, 0, 0.1], 7.0, 0.5, 0.01)
    assert (slide.kind, slide.upper, slide.drive_mode) == ("prismatic", 0.2, 3)
    assert (slide.stiffness, slide.effort) == (30.0, 4.0)


def test_shapes_colors_and_masses_are_those_that_mujoco_computes(tmp_path: Path) -> None:
    torso, right, toe, left = load(tmp_path).bodies
    assert [shape.kind for shape in torso.shapes] == ["box"]  # the sphere touches nothing, so it is only drawn
    assert [visual.kind for visual in torso.visuals] == ["box", "sphere"]
    assert torso.visuals[0].rgba == (1, 0, 0, 1)
    assert torso.mass == pytest.approx(500 * 0.2**3)
    assert toe.mass == pytest.approx(500 * 4 / 3 * np.pi * 0.05**3)
    (capsule,) = right.shapes
    assert capsule.kind == "capsule" and capsule.size == pytest.approx((0.05, 0.2))
    np.testing.assert_allclose(capsule.pos, (0, 0, -0.2))
    assert left.shapes[0].kind == "cylinder"
    assert load(tmp_path, replace_cylinder_with_capsule=True).bodies[3].shapes[0].kind == "capsule"


def test_actuators_tendons_and_exclusions_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    asset = load(tmp_path)
    motor, servo = asset.actuators
    assert (motor.name, motor.joint, motor.kind, motor.motor_effort) == ("m", "z_last", "motor", 10.0)
    assert (servo.kind, servo.kp, servo.force_range) == ("position", 30.0, (-4.0, 4.0))
    (tendon,) = asset.tendons
    assert (tendon.joints, tendon.coefficients) == (("z_last", "a_first"), (1.0, -2.0))
    assert (tendon.lower, tendon.upper) == (-1.0, 2.0)
    assert (1, 3) in asset.self_collision_pairs_excluded
    assert "'table'" in caplog.text and "rope" in caplog.text


def test_bodies_without_joints_collapse_on_demand(tmp_path: Path) -> None:
    asset = load(tmp_path, collapse_fixed_joints=True)
    assert [body.name for body in asset.bodies] == ["torso", "right", "left"]
    apart = load(tmp_path).bodies
    assert asset.bodies[1].mass == pytest.approx(apart[1].mass + apart[2].mass)
    np.testing.assert_allclose(asset.bodies[1].shapes[1].pos, (0, 0, -0.4))
    assert (1, 2) in asset.self_collision_pairs_excluded


def test_a_root_without_a_free_joint_is_fixed(tmp_path: Path) -> None:
    assert load(tmp_path, WALKER.replace("<freejoint/>", "")).fixed_base
    assert load(tmp_path, fix_base_link=True).fixed_base
    hinged = load(tmp_path, WALKER.replace("<freejoint/>", '<joint name="pitch" axis="0 1 0"/>'))
    assert hinged.fixed_base and [body.name for body in hinged.bodies][:2] == ["world", "torso"]


def test_included_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "body.xml").write_text(
        '<mujocoinclude><body name="b"><geom type="sphere" size="1"/></body></mujocoinclude>'
    )
    text = '<mujoco><worldbody><include file="parts/body.xml"/></worldbody></mujoco>'
    assert [body.name for body in load(tmp_path, text).bodies] == ["b"]


def test_meshes_become_hulls_and_missing_ones_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "meshes").mkdir()
    faces = "f 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    (tmp_path / "meshes" / "wedge.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n" + faces)
    text = """<mujoco><compiler meshdir="meshes"/>
      <asset><mesh file="wedge.obj"/><mesh name="gone" file="gone.stl"/></asset>
      <worldbody><body name="b"><geom type="mesh" mesh="wedge" pos="1 0 0"/><geom type="mesh" mesh="gone"/></body>
      </worldbody></mujoco>"""
    (body,) = load(tmp_path, text).bodies
    (shape,) = body.shapes
    assert shape.kind == "mesh" and shape.vertices is not None and len(shape.vertices) == 4
    assert body.mass == pytest.approx(1000 / 6, rel=1e-4)
    np.testing.assert_allclose(body.com, (1.25, 0.25, 0.25), atol=1e-5)
    assert "gone" in caplog.text


WRONG = {
    "sdf": ("<sdf/>", "outermost element is <sdf>"),
    "xml": ("<mujoco>", "not well-formed"),
    "empty": ("<mujoco><worldbody/></mujoco>", "no <body>"),
    "include": ('<mujoco><include file="gone.xml"/></mujoco>', "includes 'gone.xml'"),
    "ball": (WALKER.replace('type="slide"', 'type="ball"').replace('range="0 0.2"', ""), "is a ball"),
    "geom": (WALKER.replace('size="0.1 0.1 0.1"', 'size="0.1"'), "cannot be read as MJCF"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_refused_with_a_sentence(case: str, tmp_path: Path) -> None:
    text, message = WRONG[case]
    with pytest.raises(AssetError) as error:
        load(tmp_path, text)
    assert message in str(error.value) and "robot.xml" in str(error.value) and "\n" not in str(error.value)


def test_boxes_spheres_and_capsules_have_the_density_of_the_options() -> None:
    options = AssetOptions(density=200.0)
    box, sphere, capsule = box_asset(1, 2, 3, options), sphere_asset(0.5, options), capsule_asset(0.1, 1.0, options)
    assert box.bodies[0].mass == pytest.approx(1200.0) and box.bodies[0].shapes[0].size == (0.5, 1.0, 1.5)
    assert sphere.bodies[0].mass == pytest.approx(200 * np.pi / 6)
    tensor = capsule.bodies[0].inertia
    assert tensor[0, 0] < tensor[1, 1] and tensor[1, 1] == pytest.approx(tensor[2, 2])  # it lies along x
    assert not box.fixed_base and box_asset(1, 1, 1, AssetOptions(fix_base_link=True)).fixed_base
    with pytest.raises(AssetError, match="positive numbers"):
        sphere_asset(0.0, options)
