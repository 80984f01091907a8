"""Unitree Go1: figures of the manufacturer's description (BSD-3-Clause), SI units, front left leg."""

from legged_gym_ext.robots.assemble import assemble
from legged_gym_ext.robots.base import GeomCfg, JointCfg, LegCfg, LinkCfg, MountCfg, RotorCfg

QUARTER = 1.5707963267948966  # rad

TRUNK = LinkCfg(
    name="trunk",
    mass=5.204,
    com=(0.0223, 0.002, -0.0005),
    inertia=(0.0168128557, -0.0002296769, -0.0002945293, 0.063009565, -4.18731e-05, 0.0716547275),
    collision=(GeomCfg("box", (0.1881, 0.04675, 0.057)),),
)
HIP = LinkCfg(
    name="hip",
    mass=0.591,
    com=(-0.005657, -0.008752, -0.000102),
    inertia=(0.000334008405, -1.0826066e-05, 1.290732e-06, 0.000619101213, 1.643194e-06, 0.00040057614),
    collision=(GeomCfg("cylinder", (0.046, 0.02), (0.0, 0.08, 0.0), (QUARTER, 0.0, 0.0)),),
)
THIGH = LinkCfg(
    name="thigh",
    mass=0.92,
    com=(-0.003342, -0.018054, -0.033451),
    inertia=(0.004431760472, 5.7496807e-05, -0.000218457134, 0.004485671726, 0.000572001265, 0.000740309489),
    # The listed box is 0.034 x 0.0245 x 0.213 m: a capsule of the same length and cross section fills it.
    collision=(GeomCfg("capsule", (0.0163, 0.0902), (0.0, 0.0, -0.1065)),),
)
CALF = LinkCfg(
    name="calf",
    mass=0.135862,
    com=(0.006197, 0.001408, -0.116695),
    inertia=(0.001088793059, -2.55679e-07, 7.117814e-06, 0.001100428748, 2.077264e-06, 2.4787446e-05),
    # The listed box is 0.016 x 0.016 x 0.213 m.
    collision=(GeomCfg("capsule", (0.009, 0.0975), (0.0, 0.0, -0.1065)),),
)
FOOT = LinkCfg(
    name="foot",
    mass=0.06,
    com=(0.0, 0.0, 0.0),
    inertia=(9.6e-06, 0.0, 0.0, 9.6e-06, 0.0, 9.6e-06),
    collision=(GeomCfg("sphere", (0.02,)),),
)
ROTOR_X = (0.000111842, 0.0, 0.0, 5.9647e-05, 0.0, 5.9647e-05)
ROTOR_Y = (5.9647e-05, 0.0, 0.0, 0.000111842, 0.0, 5.9647e-05)
LEG = LegCfg(
    hip=HIP,
    thigh=THIGH,
    calf=CALF,
    foot=FOOT,
    hip_joint=JointCfg(
        "hip", "trunk", "hip", (0.1881, 0.04675, 0.0), (1.0, 0.0, 0.0), -0.863, 0.863, 23.7, 30.1, 0.01, 0.2
    ),
    thigh_joint=JointCfg(
        "thigh", "hip", "thigh", (0.0, 0.08, 0.0), (0.0, 1.0, 0.0), -0.686, 4.501, 23.7, 30.1, 0.01, 0.2
    ),
    calf_joint=JointCfg(
        "calf", "thigh", "calf", (0.0, 0.0, -0.213), (0.0, 1.0, 0.0), -2.818, -0.888, 35.55, 20.06, 0.01, 0.2
    ),
    foot_mount=MountCfg("foot", "calf", "foot", (0.0, 0.0, -0.213)),
    rotors=(
        RotorCfg("hip_rotor", "trunk", (0.11215, 0.04675, 0.0), 0.089, ROTOR_X),
        RotorCfg("thigh_rotor", "hip", (0.0, -0.00015, 0.0), 0.089, ROTOR_Y),
        RotorCfg("calf_rotor", "thigh", (0.0, -0.03235, 0.0), 0.089, ROTOR_Y),
    ),
    mirror_calf=False,
)

GO1 = assemble(
    name="go1",
    trunk=TRUNK,
    leg=LEG,
    default_dof_pos=(0.1, 0.8, -1.5, -0.1, 0.8, -1.5, 0.1, 1.0, -1.5, -0.1, 1.0, -1.5),
    base_height=0.3218,
    stiffness=40.0,
    damping=1.0,
)
