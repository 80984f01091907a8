"""URDF import: order, collapse, limits, shapes, and what is said about files that are wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from isaacgym.engine.asset import Asset, AssetError, AssetNotFoundError, load_asset
from isaacgym.engine.options import AssetOptions
from isaacgym.engine.urdf import UNLIMITED

ROOT = Path(__file__).parents[3]


def inertial(mass: float = 1.0, xyz: str = "0 0 0", moments: tuple[float, float, float] = (0.1, 0.1, 0.1)) -> str:
    xx, yy, zz = moments
    tensor = f'<inertia ixx="{xx}" ixy="0" ixz="0" iyy="{yy}" iyz="0" izz="{zz}"/>'
    return f'<inertial><origin xyz="{xyz}"/><mass value="{mass}"/>{tensor}</inertial>'


def link(name: str, content: str | None = None) -> str:
    return f'<link name="{name}">{inertial() if content is None else content}</link>'


def joint(name: str, parent: str, child: str, kind: str = "revolute", content: str = "", more: str = "") -> str:
    return (
        f'<joint name="{name}" type="{kind}" {more}><parent link="{parent}"/><child link="{child}"/>{content}</joint>'
    )


def geometry(content: str, tag: str = "collision", origin: str = "") -> str:
    return f"<{tag}>{origin}<geometry>{content}</geometry></{tag}>"


def load(folder: Path, *parts: str, **options: object) -> Asset:
    (folder / "robot.urdf").write_text('<?xml version="1.0"?><robot name="r">' + "".join(parts) + "</robot>")
    chosen = AssetOptions(collapse_fixed_joints=True)
    for name, value in options.items():
        assert hasattr(chosen, name)
        setattr(chosen, name, value)
    return load_asset(folder, "robot.urdf", chosen)


def test_bodies_go_depth_first_with_siblings_by_the_name_of_their_joint(tmp_path: Path) -> None:
    asset = load(
        tmp_path,
        *(link(name) for name in ("FR_foot", "base", "FR_hip", "FL_hip", "FL_foot", "tail")),
        joint("b_right", "base", "FR_hip"),
        joint("z_foot", "FR_hip", "FR_foot"),
        joint("a_left", "base", "FL_hip"),
        joint("y_foot", "FL_hip", "FL_foot"),
        joint("Z_tail", "base", "tail"),  # capitals come before small letters
    )
    assert [body.name for body in asset.bodies] == ["base", "tail", "FL_hip", "FL_foot", "FR_hip", "FR_foot"]
    assert [dof.name for dof in asset.dofs] == ["Z_tail", "a_left", "y_foot", "b_right", "z_foot"]
    assert [dof.body for dof in asset.dofs] == [1, 2, 3, 4, 5]
    assert [body.parent for body in asset.bodies] == [-1, 0, 0, 2, 0, 4]
    assert (0, 1) in asset.self_collision_pairs_excluded and (1, 2) not in asset.self_collision_pairs_excluded


def test_siblings_are_ordered_after_collapsing(tmp_path: Path) -> None:
    # The arm hangs on a mount that collapses; its own joint's name decides, not the mount's.
    parts = [
        *(link(name) for name in ("base", "mount", "arm", "leg")),
        joint("a_mount", "base", "mount", "fixed"),
        joint("z_arm", "mount", "arm"),
        joint("m_leg", "base", "leg"),
    ]
    assert [body.name for body in load(tmp_path, *parts).bodies] == ["base", "leg", "arm"]
    apart = load(tmp_path, *parts, collapse_fixed_joints=False)
    assert [body.name for body in apart.bodies] == ["base", "mount", "arm", "leg"]
    assert len(apart.dofs) == 2 and apart.joints == ["a_mount", "z_arm", "m_leg"]


def test_a_collapsed_link_leaves_mass_shapes_and_children_in_place(tmp_path: Path) -> None:
    asset = load(
        tmp_path,
        link("base", inertial(3.0, moments=(0.1, 0.2, 0.25))),
        link("head", inertial(1.0, moments=(0.01, 0.02, 0.03)) + geometry('<sphere radius="0.1"/>')),
        link("jaw"),
        joint("neck", "base", "head", "fixed", '<origin xyz="1 0 0" rpy="0 0 1.5707963267948966"/>'),
        joint("bite", "head", "jaw", content='<origin xyz="0.5 0 0"/><axis xyz="0 0 2"/>'),
    )
    base, jaw = asset.bodies
    assert base.mass == 4.0
    np.testing.assert_allclose(base.com, (0.25, 0, 0))
    # As for two bodies a meter apart: 3 * 0.25^2 + 1 * 0.75^2 = 0.75, and the head's moments swap.
    np.testing.assert_allclose(base.inertia, np.diag([0.12, 0.96, 1.03]), atol=1e-9)
    np.testing.assert_allclose(base.shapes[0].pos, (1, 0, 0), atol=1e-12)
    assert base.shapes[0].source_link == "head"
    # Half a meter along the head's x axis is half a meter along the base's y axis.
    np.testing.assert_allclose(jaw.pos, (1, 0.5, 0), atol=1e-12)
    np.testing.assert_allclose(asset.dofs[0].axis, (0, 0, 1))


def test_dont_collapse_keeps_a_fixed_link(tmp_path: Path) -> None:
    asset = load(
        tmp_path,
        link("calf"),
        link("foot", inertial(0.06)),
        joint("ankle", "calf", "foot", "fixed", '<origin xyz="0 0 -0.2"/>', more='dont_collapse="true"'),
    )
    assert [(body.name, body.mass) for body in asset.bodies] == [("calf", 1.0), ("foot", 0.06)]
    assert not asset.dofs and asset.joints == ["ankle"]


def test_impossible_inertias_of_fixed_links_merge_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    impossible = inertial(0.1, moments=(0.0001, 0.0001, 0.01))
    parts = [link("base"), link("camera", impossible), link("wheel", impossible)]
    joints = [joint("mount", "base", "camera", "fixed"), joint("axle", "base", "wheel")]
    base, wheel = load(tmp_path, *parts, *joints).bodies
    np.testing.assert_allclose(base.inertia, np.diag([0.1001, 0.1001, 0.11]))
    # The wheel moves by itself: its second moments (0.005, 0.005, -0.0049) are mended, and that is said.
    np.testing.assert_allclose(wheel.inertia, np.diag([0.005, 0.005, 0.01]), rtol=1e-4)
    assert [record.levelname for record in caplog.records] == ["WARNING"] and "'wheel'" in caplog.text


def test_links_without_mass_take_it_from_their_shapes(tmp_path: Path) -> None:
    asset = load(tmp_path, link("crate", geometry('<box size="1 2 3"/>')), density=10.0)
    assert asset.bodies[0].mass == pytest.approx(60.0)
    np.testing.assert_allclose(np.diag(asset.bodies[0].inertia), (65.0, 50.0, 25.0))


def test_overrides_take_center_and_inertia_from_the_shapes_and_keep_the_mass(tmp_path: Path) -> None:
    content = inertial(6.0, xyz="1 1 1") + geometry('<box size="1 2 3"/>', origin='<origin xyz="0 0 2"/>')
    body = load(tmp_path, link("crate", content), override_com=True, override_inertia=True).bodies[0]
    assert body.mass == 6.0
    np.testing.assert_allclose(body.com, (0, 0, 2))
    np.testing.assert_allclose(np.diag(body.inertia), 6 / 12 * np.array([13, 10, 5]))


def test_cylinders_become_capsules_of_the_same_straight_length(tmp_path: Path) -> None:
    tube = link("tube", inertial() + geometry('<cylinder radius="0.1" length="0.6"/>'))
    assert [(s.kind, s.size) for s in load(tmp_path, tube).bodies[0].shapes] == [("cylinder", (0.1, 0.3))]
    capsule = load(tmp_path, tube, replace_cylinder_with_capsule=True).bodies[0].shapes[0]
    assert (capsule.kind, capsule.size) == ("capsule", (0.1, 0.3))


def test_limits_dynamics_and_drive_modes_come_from_file_and_options(tmp_path: Path) -> None:
    limit = '<limit lower="-1" upper="2" effort="20" velocity="21"/><dynamics damping="0.5" friction="0.25"/>'
    asset = load(
        tmp_path,
        *(link(name) for name in ("base", "knee", "wheel", "slide", "open")),
        joint("a", "base", "knee", content=limit),
        joint("b", "base", "wheel", "continuous", '<limit lower="-1" upper="2" effort="5" velocity="6"/>'),
        joint("c", "base", "slide", "prismatic", '<limit lower="0" upper="0.5" effort="9" velocity="1"/>'),
        joint("d", "base", "open", content='<limit effort="80" velocity="20"/>'),
        default_dof_drive_mode=3,
        armature=0.02,
    )
    knee, wheel, slide, free = asset.dofs
    assert (knee.has_limits, knee.lower, knee.upper, knee.effort, knee.velocity) == (True, -1, 2, 20, 21)
    assert (knee.damping, knee.friction, knee.armature, knee.drive_mode) == (0.5, 0.25, 0.02, 3)
    assert (wheel.has_limits, wheel.lower, wheel.upper, wheel.effort) == (False, -UNLIMITED, UNLIMITED, 5)
    assert (slide.kind, slide.upper) == ("prismatic", 0.5)
    assert (free.has_limits, free.effort, free.velocity) == (False, 80, 20)
    assert free.axis.tolist() == [1, 0, 0]


def test_options_that_change_later_do_not_change_an_asset(tmp_path: Path) -> None:
    (tmp_path / "robot.urdf").write_text(f'<robot name="r">{link("base")}</robot>')
    options = AssetOptions(disable_gravity=True)
    asset = load_asset(tmp_path, "robot.urdf", options)
    options.disable_gravity, options.vhacd_params.resolution = False, 1
    assert asset.options.disable_gravity and asset.options.vhacd_params.resolution == 100000
    with pytest.raises(AttributeError, match="tint"):
        options.tint = "red"  # type: ignore[attr-defined]


def test_armature_goes_into_the_bodies_where_joints_are_not_to_have_it(tmp_path: Path) -> None:
    parts = [link("base"), link("leg"), joint("hip", "base", "leg")]
    asset = load(tmp_path, *parts, armature=0.02, use_physx_armature=False)
    assert asset.dofs[0].armature == 0.0
    np.testing.assert_allclose(asset.bodies[1].inertia, 0.12 * np.eye(3))


def test_a_massless_world_above_a_floating_joint_is_not_part_of_the_robot(tmp_path: Path) -> None:
    asset = load(tmp_path, link("world", ""), link("base"), joint("float", "world", "base", "floating"))
    assert [body.name for body in asset.bodies] == ["base"] and not asset.fixed_base


def test_missing_and_unread_meshes_are_warned_of_once_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "shell.dae").write_text("<COLLADA/>")
    visuals = "".join(
        geometry(f'<mesh filename="{name}"/>', "visual") for name in ("shell.dae", "gone.stl", "gone.stl")
    )
    asset = load(tmp_path, link("base", inertial() + visuals + geometry('<mesh filename="lost.stl"/>')))
    assert not asset.bodies[0].shapes and not asset.bodies[0].visuals
    drawn, collides = caplog.records
    assert "shell.dae" in drawn.getMessage() and drawn.getMessage().count("gone.stl") == 1
    assert "lost.stl of link 'base'" in collides.getMessage() and collides.levelno == logging.WARNING


def test_meshes_are_scaled_hulled_and_flipped(tmp_path: Path) -> None:
    (tmp_path / "wedge.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n")
    mesh = '<mesh filename="package://anything/wedge.obj" scale="2 3 4"/>'
    content = inertial() + geometry(mesh) + geometry(mesh, "visual")
    body = load(tmp_path, link("base", content), flip_visual_attachments=True).bodies[0]
    vertices, drawn = body.shapes[0].vertices, body.visuals[0].vertices
    assert vertices is not None and drawn is not None
    np.testing.assert_allclose(vertices.max(axis=0), (2, 3, 4))
    # y-up to z-up: what was up (y, 3 high) becomes z, what was z becomes -y.
    np.testing.assert_allclose(drawn.max(axis=0), (2, 0, 3), atol=1e-12)
    np.testing.assert_allclose(drawn.min(axis=0), (0, -4, 0), atol=1e-12)


def test_colors_come_from_the_link_or_from_the_robots_materials(tmp_path: Path) -> None:
    visual = '<visual><geometry><sphere radius="1"/></geometry><material name="red"/></visual>'
    own = (
        '<visual><geometry><sphere radius="1"/></geometry><material name=""><color rgba="0 1 0 1"/></material></visual>'
    )
    material = '<material name="red"><color rgba="1 0 0 0.5"/></material>'
    body = load(tmp_path, material, link("base", inertial() + visual + own)).bodies[0]
    assert [v.rgba for v in body.visuals] == [(1, 0, 0, 0.5), (0, 1, 0, 1)]


WRONG = {
    "no link": ([], "there is no <link>"),
    "unknown child": ([link("base"), joint("j", "base", "leg")], "'leg', and no link is called that"),
    "two parents": (
        [link("a"), link("b"), link("c"), joint("j", "a", "c"), joint("k", "b", "c")],
        "joint 'k' is the second one that holds link 'c'",
    ),
    "loop": ([link("a"), link("b"), joint("j", "a", "b"), joint("k", "b", "a")], "form a loop"),
    "twice": ([link("a"), link("a")], "two links are called 'a'"),
    "type": ([link("a"), link("b"), joint("j", "a", "b", "planar")], "joint 'j' is of type 'planar'"),
    "axis": ([link("a"), link("b"), joint("j", "a", "b", content='<axis xyz="0 0 0"/>')], "no length"),
    "range": (
        [link("a"), link("b"), joint("j", "a", "b", content='<limit lower="1" upper="0"/>')],
        "lower limit of 1 above its upper one of 0",
    ),
    "number": ([link("a", inertial(xyz="0 zero 0"))], 'xyz="0 zero 0"'),
    "mass": ([link("a", inertial(-1.0))], "negative mass"),
    "size": ([link("a", geometry('<sphere radius="0"/>'))], "not positive"),
    "geometry": ([link("a", geometry('<cone radius="1"/>'))], "<cone>"),
    "empty": ([link("a", "<collision/>")], "has no geometry"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_refused_with_a_sentence(case: str, tmp_path: Path) -> None:
    parts, message = WRONG[case]
    with pytest.raises(AssetError) as error:
        load(tmp_path, *parts)
    assert message in str(error.value) and "robot.urdf" in str(error.value)


def test_files_that_are_no_assets_are_refused(tmp_path: Path) -> None:
    options = AssetOptions()
    with pytest.raises(AssetNotFoundError, match=r"no asset file 'nothing\.urdf'"):
        load_asset(tmp_path, "nothing.urdf", options)
    (tmp_path / "robot.usd").write_text("")
    with pytest.raises(AssetError, match=r"\.urdf, \.xml"):
        load_asset(tmp_path, "robot.usd", options)
    for text, message in (("<robot>", "not well-formed"), ("<sdf/>", "outermost element is <sdf>")):
        (tmp_path / "robot.urdf").write_text(text)
        with pytest.raises(AssetError, match=message):
            load_asset(tmp_path, "robot.urdf", options)


@pytest.mark.parametrize("name", ["go1", "a1"])
def test_our_robots_load_with_all_feet_and_the_mass_of_their_mjcf(name: str) -> None:
    options = AssetOptions(collapse_fixed_joints=True)
    asset = load_asset(ROOT / "resources" / "robots" / name, f"{name}.urdf", options)
    twin = load_asset(ROOT / "resources" / "robots" / name, f"{name}.xml", options)
    assert [dof.name for dof in asset.dofs] == [
        f"{leg}_{part}_joint" for leg in ("FL", "FR", "RL", "RR") for part in ("hip", "thigh", "calf")
    ]
    assert [dof.name for dof in twin.dofs] == [dof.name for dof in asset.dofs]
    assert len(asset.bodies) == 17 and sum("foot" in body.name for body in asset.bodies) == 4
    assert sum(b.mass for b in asset.bodies) == pytest.approx(sum(b.mass for b in twin.bodies), rel=1e-6)
    for ours, theirs in zip(asset.dofs, twin.dofs, strict=True):
        np.testing.assert_allclose((ours.lower, ours.upper), (theirs.lower, theirs.upper), atol=1e-6)
