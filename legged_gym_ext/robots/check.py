"""Whether the facts of a robot fit together: tensors are filled by position, so a wrong order would go unnoticed.

Single numbers are checked where they are stated, in ``base.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

from legged_gym_ext.robots.base import LEG_JOINTS, LEG_LINKS, LEGS, RobotCfg
from st_rl.utils.errors import UserError

_AXES = {"hip": (1.0, 0.0, 0.0), "thigh": (0.0, 1.0, 0.0), "calf": (0.0, 1.0, 0.0)}


def check_robot(cfg: RobotCfg) -> None:
    """Raise ``UserError`` with the first thing that is wrong with ``cfg``."""
    for problem in _problems(cfg):
        raise UserError(f"the robot '{cfg.name}' {problem}")


def _problems(cfg: RobotCfg) -> Iterator[str]:
    yield from _wrong_numbers_of(cfg)
    yield from _wrong_legs(cfg)
    yield from _wrong_chains(cfg)
    yield from _wrong_joints(cfg)
    for link in cfg.links:
        if not link.mass > 0.0:
            yield f"has a link '{link.name}' of {link.mass} kg; a mass must be above zero"


def _wrong_numbers_of(cfg: RobotCfg) -> Iterator[str]:
    joints, links = len(LEGS) * len(LEG_JOINTS), 1 + len(LEGS) * len(LEG_LINKS)
    expected = {
        "num_dof": (cfg.num_dof, joints),
        "joints": (len(cfg.joints), joints),
        "default_dof_pos": (len(cfg.default_dof_pos), joints),
        "stiffness": (len(cfg.stiffness), joints),
        "damping": (len(cfg.damping), joints),
        "links": (len(cfg.links), links),
        "body_points": (len(cfg.body_points), links),
        "foot_mounts": (len(cfg.foot_mounts), len(LEGS)),
    }
    for name, (found, wanted) in expected.items():
        if found != wanted:
            yield f"has {found} {name}; a quadruped with {joints} joints has {wanted}"
    if cfg.dof_names != tuple(joint.name for joint in cfg.joints):
        yield "lists dof_names in another order than joints"
    if cfg.body_names != tuple(link.name for link in cfg.links):
        yield "lists body_names in another order than links"


def _wrong_legs(cfg: RobotCfg) -> Iterator[str]:
    """Legs are told apart by where their hips are, whatever they are called."""
    hips = [joint.origin for joint in cfg.joints[:: len(LEG_JOINTS)]]
    found = tuple(("F" if x > 0.0 else "R") + ("L" if y > 0.0 else "R") for x, y, _ in hips)
    if found != LEGS:
        yield (
            f"lists its legs in the order {', '.join(found)} (by the places of their hips); list them as "
            f"{', '.join(LEGS)}, the order of every tensor"
        )


def _wrong_chains(cfg: RobotCfg) -> Iterator[str]:
    """Bodies and joints must follow each other leg by leg, each hanging from the one before."""
    named = (cfg.hip_names, cfg.thigh_names, cfg.calf_names, cfg.foot_names)
    if any(len(names) != len(LEGS) for names in named):
        yield "does not name one hip, thigh, calf and foot for each leg"
        return
    bodies = (cfg.trunk_name, *(name for leg in zip(*named, strict=True) for name in leg))
    if cfg.body_names != bodies:
        yield f"lists its bodies as {', '.join(cfg.body_names)}; the order is {', '.join(bodies)}"
    for index, (hip, thigh, calf, foot) in enumerate(zip(*named, strict=True)):
        chain = (cfg.trunk_name, hip, thigh, calf)
        joints = cfg.joints[index * len(LEG_JOINTS) : (index + 1) * len(LEG_JOINTS)]
        for joint, parent, child in zip(joints, chain, chain[1:], strict=False):
            if (joint.parent, joint.child) != (parent, child):
                yield f"has a joint '{joint.name}' from {joint.parent} to {joint.child}, not from {parent} to {child}"
        mount = cfg.foot_mounts[index]
        if (mount.parent, mount.child) != (calf, foot):
            yield f"has its foot {index} between {mount.parent} and {mount.child}, not between {calf} and {foot}"


def _wrong_joints(cfg: RobotCfg) -> Iterator[str]:
    for index, (joint, angle) in enumerate(zip(cfg.joints, cfg.default_dof_pos, strict=True)):
        axis = _AXES[LEG_JOINTS[index % len(LEG_JOINTS)]]
        if joint.axis != axis:
            yield f"has a joint '{joint.name}' about {joint.axis}; only {axis} is supported there"
        span = f"range {joint.lower} to {joint.upper} rad"
        if not joint.lower < joint.upper:
            yield f"has a joint '{joint.name}' whose {span} is empty"
        if not joint.lower <= angle <= joint.upper:
            yield f"has the default angle {angle} rad of '{joint.name}' outside its {span}"
        if not cfg.stiffness[index] > 0.0:
            yield f"needs a stiffness above zero for '{joint.name}'"
