"""From the facts of a trunk and of the front left leg to a whole robot."""

from dataclasses import replace

from legged_gym_ext.robots.base import (
    LEG_JOINTS,
    LEG_LINKS,
    LEGS,
    JointCfg,
    LegCfg,
    LinkCfg,
    MountCfg,
    RobotCfg,
    RotorCfg,
    Vec3,
)
from legged_gym_ext.robots.geometry import flip_geom, flip_inertia, flip_vec, merge_rotors, sample_points

TRUNK = "trunk"
KEEP: Vec3 = (1.0, 1.0, 1.0)


def assemble(
    name: str,
    trunk: LinkCfg,
    leg: LegCfg,
    default_dof_pos: tuple[float, ...],
    base_height: float,
    stiffness: float,
    damping: float,
    action_scale: float = 0.25,
    armature: float = 0.01,
    friction: float = 1.0,
) -> RobotCfg:
    """The robot whose left legs are ``leg`` and whose right legs are its mirror image.

    ``default_dof_pos`` (12) in rad, ``base_height`` in m, one ``stiffness`` (N m/rad) and ``damping`` (N m s/rad) for
    every joint; ``RobotCfg`` says what each means. Rotors become part of the link that carries them.
    """
    trunk_rotors = tuple(_flip_rotor(rotor, _signs(side)) for side in LEGS for rotor in _rotors_on(leg, TRUNK))
    links = [merge_rotors(replace(trunk, name=TRUNK), trunk_rotors)]
    joints: list[JointCfg] = []
    mounts: list[MountCfg] = []
    for side in LEGS:
        leg_links, leg_joints, mount = _make_leg(leg, side)
        links += leg_links
        joints += leg_joints
        mounts.append(mount)
    hip_names, thigh_names, calf_names, foot_names = (tuple(f"{side}_{part}" for side in LEGS) for part in LEG_LINKS)
    return RobotCfg(
        name=name,
        links=tuple(links),
        joints=tuple(joints),
        foot_mounts=tuple(mounts),
        num_dof=len(joints),
        body_names=tuple(link.name for link in links),
        dof_names=tuple(joint.name for joint in joints),
        trunk_name=TRUNK,
        hip_names=hip_names,
        thigh_names=thigh_names,
        calf_names=calf_names,
        foot_names=foot_names,
        body_points=tuple(tuple(p for geom in link.collision for p in sample_points(geom)) for link in links),
        default_dof_pos=default_dof_pos,
        base_height=base_height,
        stiffness=(stiffness,) * len(joints),
        damping=(damping,) * len(joints),
        action_scale=action_scale,
        armature=armature,
        friction=friction,
        hip_offset=leg.thigh_joint.origin[1],
        thigh_length=-leg.calf_joint.origin[2],
        calf_length=-leg.foot_mount.origin[2],
        foot_radius=leg.foot.collision[0].size[0],
    )


def _signs(side: str) -> Vec3:
    """Mirror signs (x, y, z) that take the front left leg to leg ``side``: rear legs flip x, right legs flip y."""
    return (1.0 if side[0] == "F" else -1.0, 1.0 if side[1] == "L" else -1.0, 1.0)


def _make_leg(leg: LegCfg, side: str) -> tuple[list[LinkCfg], list[JointCfg], MountCfg]:
    """Links and joints of leg ``side``, named with its prefix.

    Only the hip differs between front and rear (its motor points the other way); thigh, calf and foot are mirrored
    from left to right alone.
    """
    both = _signs(side)
    lateral = (1.0, both[1], 1.0)
    hip = merge_rotors(_flip_link(leg.hip, both), tuple(_flip_rotor(r, both) for r in _rotors_on(leg, "hip")))
    thigh = merge_rotors(
        _flip_link(leg.thigh, lateral), tuple(_flip_rotor(r, lateral) for r in _rotors_on(leg, "thigh"))
    )
    calf = _flip_link(leg.calf, lateral if leg.mirror_calf else KEEP)
    foot = _flip_link(leg.foot, lateral)
    links = [
        replace(link, name=f"{side}_{part}") for link, part in zip((hip, thigh, calf, foot), LEG_LINKS, strict=True)
    ]
    parents = (TRUNK, f"{side}_hip", f"{side}_thigh")
    joints = [
        replace(
            joint,
            name=f"{side}_{part}_joint",
            parent=parent,
            child=f"{side}_{part}",
            origin=flip_vec(joint.origin, both if part == "hip" else lateral),
        )
        for joint, part, parent in zip(
            (leg.hip_joint, leg.thigh_joint, leg.calf_joint), LEG_JOINTS, parents, strict=True
        )
    ]
    mount = MountCfg(f"{side}_foot_fixed", f"{side}_calf", f"{side}_foot", flip_vec(leg.foot_mount.origin, lateral))
    return links, joints, mount


def _flip_link(link: LinkCfg, signs: Vec3) -> LinkCfg:
    """Mirror image of a link."""
    return replace(
        link,
        com=flip_vec(link.com, signs),
        inertia=flip_inertia(link.inertia, signs),
        collision=tuple(flip_geom(geom, signs) for geom in link.collision),
        visual=tuple(flip_geom(geom, signs) for geom in link.visual),
    )


def _flip_rotor(rotor: RotorCfg, signs: Vec3) -> RotorCfg:
    """Mirror image of a rotor."""
    return replace(rotor, origin=flip_vec(rotor.origin, signs), inertia=flip_inertia(rotor.inertia, signs))


def _rotors_on(leg: LegCfg, parent: str) -> tuple[RotorCfg, ...]:
    """The rotors of ``leg`` that are fixed to link ``parent``."""
    return tuple(rotor for rotor in leg.rotors if rotor.parent == parent)
