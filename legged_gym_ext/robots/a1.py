"""Unitree A1: figures of the manufacturer's description (BSD-3-Clause), SI units, front left leg."""

from legged_gym_ext.robots.assemble import assemble
from legged_gym_ext.robots.base import GeomCfg, JointCfg, LegCfg, LinkCfg, MountCfg

QUARTER = 1.5707963267948966  # rad

TRUNK = LinkCfg(
    name="trunk",
    mass=6.0,
    com=(0.0, 0.0041, -0.0005),
    inertia=(0.0158533, -3.66e-05, -6.11e-05, 0.0377999, -2.75e-05, 0.0456542),
    collision=(GeomCfg("box", (0.1335, 0.097, 0.057)),),
)
HIP = LinkCfg(
    name="hip",
    mass=0.696,
    com=(-0.003311, 0.000635, 3.1e-05),
    inertia=(0.000469246, -9.409e-06, -3.42e-07, 0.00080749, -4.66e-07, 0.000552929),
    collision=(GeomCfg("cylinder", (0.046, 0.02), (0.0, 0.0, 0.0), (QUARTER, 0.0, 0.0)),),
)
THIGH = LinkCfg(
    name="thigh",
    mass=1.013,
    com=(-0.003237, -0.022327, -0.027326),
    inertia=(0.005529065, 4.825e-06, 0.000343869, 0.005139339, 2.2448e-05, 0.001367788),
    # The listed box is 0.034 x 0.0245 x 0.2 m: a capsule of the same length and cross section fills it.
    collision=(GeomCfg("capsule", (0.0163, 0.0837), (0.0, 0.0, -0.1)),),
)
CALF = LinkCfg(
    name="calf",
    mass=0.166,
    com=(0.006435, 0.0, -0.107388),
    inertia=(0.002997972, 0.0, -0.000141163, 0.003014022, 0.0, 3.2426e-05),
    # The listed box is 0.016 x 0.016 x 0.2 m.
    collision=(GeomCfg("capsule", (0.009, 0.091), (0.0, 0.0, -0.1)),),
)
FOOT = LinkCfg(
    name="foot",
    mass=0.06,
    com=(0.0, 0.0, 0.0),
    inertia=(9.6e-06, 0.0, 0.0, 9.6e-06, 0.0, 9.6e-06),
    collision=(GeomCfg("sphere", (0.02,)),),
)
LEG = LegCfg(
    hip=HIP,
    thigh=THIGH,
    calf=CALF,
    foot=FOOT,
    hip_joint=JointCfg(
        name="hip",
        parent="trunk",
        child="hip",
        origin=(0.1805, 0.047, 0.0),
        axis=(1.0, 0.0, 0.0),
        lower=-0.8028514559173915,  # 46 degrees
        upper=0.8028514559173915,
        torque_limit=33.5,
        velocity_limit=21.0,
        damping=0.0,
        friction=0.0,
    ),
    thigh_joint=JointCfg(
        name="thigh",
        parent="hip",
        child="thigh",
        origin=(0.0, 0.0838, 0.0),
        axis=(0.0, 1.0, 0.0),
        lower=-1.0471975511965976,  # -60 degrees
        upper=4.1887902047863905,  # 240 degrees
        torque_limit=33.5,
        velocity_limit=21.0,
        damping=0.0,
        friction=0.0,
    ),
    calf_joint=JointCfg(
        name="calf",
        parent="thigh",
        child="calf",
        origin=(0.0, 0.0, -0.2),
        axis=(0.0, 1.0, 0.0),
        lower=-2.6965336943312392,  # -154.5 degrees
        upper=-0.9162978572970231,  # -52.5 degrees
        torque_limit=33.5,
        velocity_limit=21.0,
        damping=0.0,
        friction=0.0,
    ),
    foot_mount=MountCfg("foot", "calf", "foot", (0.0, 0.0, -0.2)),
)

A1 = assemble(
    name="a1",
    trunk=TRUNK,
    leg=LEG,
    default_dof_pos=(0.1, 0.8, -1.5, -0.1, 0.8, -1.5, 0.1, 1.0, -1.5, -0.1, 1.0, -1.5),
    base_height=0.3025,
    stiffness=40.0,
    damping=1.0,
)
