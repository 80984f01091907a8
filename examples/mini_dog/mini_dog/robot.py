"""Mini dog: a small quadruped made of simple shapes. Figures are made up, in SI units, of the front left leg."""

from __future__ import annotations

from legged_gym_ext.robots.assemble import assemble
from legged_gym_ext.robots.base import GeomCfg, JointCfg, LegCfg, LinkCfg, MountCfg

QUARTER = 1.5707963267948966  # rad
ORANGE = (0.90, 0.45, 0.10, 1.0)
BLACK = (0.06, 0.06, 0.07, 1.0)

TRUNK = LinkCfg(
    name="trunk",
    mass=4.0,
    com=(0.0, 0.0, 0.0),
    inertia=(0.012, 0.0, 0.0, 0.035, 0.0, 0.042),  # ixx, ixy, ixz, iyy, iyz, izz about the center of mass
    collision=(GeomCfg("box", (0.15, 0.08, 0.05)),),  # half extents
    visual=(
        GeomCfg("ellipsoid", (0.19, 0.09, 0.06), rgba=ORANGE),
        GeomCfg("sphere", (0.03,), (0.18, 0.0, 0.0), rgba=BLACK, gloss=0.9),
    ),
)
LEG = LegCfg(
    hip=LinkCfg(
        name="hip",
        mass=0.5,
        com=(0.0, 0.0, 0.0),
        inertia=(0.0004, 0.0, 0.0, 0.0005, 0.0, 0.0004),
        collision=(GeomCfg("cylinder", (0.04, 0.02), (0.0, 0.04, 0.0), (QUARTER, 0.0, 0.0)),),
        visual=(GeomCfg("cylinder", (0.04, 0.02), (0.0, 0.04, 0.0), (QUARTER, 0.0, 0.0), BLACK),),
    ),
    thigh=LinkCfg(
        name="thigh",
        mass=0.6,
        com=(0.0, -0.01, -0.03),
        inertia=(0.003, 0.0, 0.0, 0.003, 0.0, 0.0006),
        collision=(GeomCfg("capsule", (0.015, 0.075), (0.0, 0.0, -0.09)),),  # radius, half length between the caps
        visual=(GeomCfg("capsule", (0.018, 0.075), (0.0, 0.0, -0.09), rgba=ORANGE),),
    ),
    calf=LinkCfg(
        name="calf",
        mass=0.15,
        com=(0.0, 0.0, -0.09),
        inertia=(0.0006, 0.0, 0.0, 0.0006, 0.0, 0.00003),
        collision=(GeomCfg("capsule", (0.009, 0.081), (0.0, 0.0, -0.09)),),
        visual=(GeomCfg("capsule", (0.010, 0.081), (0.0, 0.0, -0.09), rgba=BLACK),),
    ),
    foot=LinkCfg(
        name="foot",
        mass=0.05,
        com=(0.0, 0.0, 0.0),
        inertia=(8e-06, 0.0, 0.0, 8e-06, 0.0, 8e-06),
        collision=(GeomCfg("sphere", (0.02,)),),
        visual=(GeomCfg("sphere", (0.02,), rgba=BLACK, gloss=0.05),),
    ),
    # name, parent, child, origin, axis, lower, upper, torque limit, speed limit, damping, friction
    hip_joint=JointCfg("hip", "trunk", "hip", (0.16, 0.045, 0.0), (1.0, 0.0, 0.0), -0.8, 0.8, 18.0, 25.0, 0.01, 0.1),
    thigh_joint=JointCfg("thigh", "hip", "thigh", (0.0, 0.07, 0.0), (0.0, 1.0, 0.0), -0.9, 4.0, 18.0, 25.0, 0.01, 0.1),
    calf_joint=JointCfg("calf", "thigh", "calf", (0.0, 0.0, -0.18), (0.0, 1.0, 0.0), -2.7, -0.9, 18.0, 25.0, 0.01, 0.1),
    foot_mount=MountCfg("foot", "calf", "foot", (0.0, 0.0, -0.18)),
)

MINI_DOG = assemble(
    name="mini_dog",
    trunk=TRUNK,
    leg=LEG,
    default_dof_pos=(0.1, 0.8, -1.5, -0.1, 0.8, -1.5, 0.1, 0.9, -1.5, -0.1, 0.9, -1.5),
    base_height=0.2748,
    stiffness=30.0,
    damping=0.8,
)
