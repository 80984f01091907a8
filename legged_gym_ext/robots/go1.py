"""Unitree Go1: figures of the manufacturer's description (BSD-3-Clause), SI units, front left leg."""

from legged_gym_ext.robots.assemble import assemble
from legged_gym_ext.robots.base import GeomCfg, JointCfg, LegCfg, LinkCfg, MountCfg, RotorCfg

QUARTER = 1.5707963267948966  # rad
SHELL = (0.74, 0.76, 0.78, 1.0)
GRAY = (0.42, 0.44, 0.46, 1.0)
DARK = (0.15, 0.15, 0.16, 1.0)
BLACK = (0.05, 0.05, 0.055, 1.0)
LENS = (0.10, 0.18, 0.30, 1.0)
GLOW = (0.45, 0.85, 1.0, 1.0)
ALONG_X = (0.0, QUARTER, 0.0)
ALONG_Y = (QUARTER, 0.0, 0.0)

TRUNK_LOOKS = (
    # Rounded shell: two tubes joined by a box and a flat hump.
    GeomCfg("capsule", (0.045, 0.105), (0.0, 0.046, 0.004), ALONG_X, SHELL, 0.5),
    GeomCfg("capsule", (0.045, 0.105), (0.0, -0.046, 0.004), ALONG_X, SHELL, 0.5),
    GeomCfg("box", (0.148, 0.046, 0.045), (0.0, 0.0, 0.004), rgba=SHELL, gloss=0.5),
    GeomCfg("ellipsoid", (0.150, 0.066, 0.022), (-0.005, 0.0, 0.042), rgba=SHELL, gloss=0.5),
    # Back plate between two carrying rails.
    GeomCfg("box", (0.080, 0.024, 0.004), (-0.015, 0.0, 0.061), rgba=DARK),
    GeomCfg("capsule", (0.0055, 0.100), (-0.005, 0.056, 0.056), ALONG_X, BLACK),
    GeomCfg("capsule", (0.0055, 0.100), (-0.005, -0.056, 0.056), ALONG_X, BLACK),
    # Belly and side panels.
    GeomCfg("box", (0.125, 0.060, 0.009), (0.0, 0.0, -0.046), rgba=DARK),
    GeomCfg("capsule", (0.013, 0.070), (0.0, 0.080, -0.008), ALONG_X, DARK),
    GeomCfg("capsule", (0.013, 0.070), (0.0, -0.080, -0.008), ALONG_X, DARK),
    # Blocks that carry the hips, tail plate.
    GeomCfg("box", (0.022, 0.055, 0.038), (0.152, 0.0, 0.0), rgba=DARK),
    GeomCfg("box", (0.022, 0.055, 0.038), (-0.152, 0.0, 0.0), rgba=DARK),
    GeomCfg("box", (0.022, 0.034, 0.032), (-0.177, 0.0, 0.009), rgba=SHELL, gloss=0.5),
    # Head: shell, dark face, a camera eye on each side, status light on the brow.
    GeomCfg("ellipsoid", (0.080, 0.060, 0.042), (0.178, 0.0, 0.013), rgba=SHELL, gloss=0.5),
    GeomCfg("ellipsoid", (0.036, 0.054, 0.034), (0.224, 0.0, 0.006), rgba=BLACK, gloss=0.8),
    GeomCfg("cylinder", (0.0140, 0.007), (0.2485, 0.026, 0.008), ALONG_X, GRAY),
    GeomCfg("cylinder", (0.0140, 0.007), (0.2485, -0.026, 0.008), ALONG_X, GRAY),
    GeomCfg("sphere", (0.0105,), (0.2515, 0.026, 0.008), rgba=LENS, gloss=1.0),
    GeomCfg("sphere", (0.0105,), (0.2515, -0.026, 0.008), rgba=LENS, gloss=1.0),
    GeomCfg("capsule", (0.0030, 0.007), (0.2545, 0.0, 0.022), ALONG_Y, GLOW, 1.0),
)
HIP_LOOKS = (
    GeomCfg("cylinder", (0.036, 0.018), (0.0, 0.0, 0.0), ALONG_X, BLACK),
    GeomCfg("cylinder", (0.040, 0.030), (0.0, 0.030, 0.0), ALONG_Y, DARK),
    GeomCfg("cylinder", (0.045, 0.014), (0.0, 0.045, 0.0), ALONG_Y, SHELL, 0.5),
)
THIGH_LOOKS = (
    GeomCfg("cylinder", (0.043, 0.014), (0.0, 0.000, 0.0), ALONG_Y, DARK),
    GeomCfg("cylinder", (0.036, 0.004), (0.0, 0.016, 0.0), ALONG_Y, SHELL, 0.5),
    GeomCfg("cylinder", (0.013, 0.003), (0.0, 0.019, 0.0), ALONG_Y, DARK),
    GeomCfg("ellipsoid", (0.032, 0.017, 0.110), (0.0, 0.0, -0.095), rgba=BLACK, gloss=0.4),
    GeomCfg("capsule", (0.014, 0.085), (0.004, 0.0, -0.115), (0.0, -0.04, 0.0), BLACK),
    GeomCfg("ellipsoid", (0.016, 0.006, 0.055), (0.0, 0.0145, -0.100), rgba=SHELL, gloss=0.5),
    GeomCfg("cylinder", (0.020, 0.015), (0.0, 0.0, -0.213), ALONG_Y, BLACK),
    GeomCfg("cylinder", (0.011, 0.017), (0.0, 0.0, -0.213), ALONG_Y, GRAY),
)
CALF_LOOKS = (
    GeomCfg("capsule", (0.0115, 0.050), (-0.007, 0.0, -0.052), (0.0, 0.14, 0.0), BLACK),
    GeomCfg("capsule", (0.0098, 0.052), (-0.007, 0.0, -0.148), (0.0, -0.14, 0.0), BLACK),
    GeomCfg("cylinder", (0.0125, 0.008), (-0.0015, 0.0, -0.188), (0.0, -0.14, 0.0), GRAY),
)
FOOT_LOOKS = (GeomCfg("sphere", (0.020,), rgba=BLACK, gloss=0.05),)

TRUNK = LinkCfg(
    name="trunk",
    mass=5.204,
    com=(0.0223, 0.002, -0.0005),
    inertia=(0.0168128557, -0.0002296769, -0.0002945293, 0.063009565, -4.18731e-05, 0.0716547275),
    collision=(GeomCfg("box", (0.1881, 0.04675, 0.057)),),
    visual=TRUNK_LOOKS,
)
HIP = LinkCfg(
    name="hip",
    mass=0.591,
    com=(-0.005657, -0.008752, -0.000102),
    inertia=(0.000334008405, -1.0826066e-05, 1.290732e-06, 0.000619101213, 1.643194e-06, 0.00040057614),
    collision=(GeomCfg("cylinder", (0.046, 0.02), (0.0, 0.08, 0.0), (QUARTER, 0.0, 0.0)),),
    visual=HIP_LOOKS,
)
THIGH = LinkCfg(
    name="thigh",
    mass=0.92,
    com=(-0.003342, -0.018054, -0.033451),
    inertia=(0.004431760472, 5.7496807e-05, -0.000218457134, 0.004485671726, 0.000572001265, 0.000740309489),
    # The listed box is 0.034 x 0.0245 x 0.213 m: a capsule of the same length and cross section fills it.
    collision=(GeomCfg("capsule", (0.0163, 0.0902), (0.0, 0.0, -0.1065)),),
    visual=THIGH_LOOKS,
)
CALF = LinkCfg(
    name="calf",
    mass=0.135862,
    com=(0.006197, 0.001408, -0.116695),
    inertia=(0.001088793059, -2.55679e-07, 7.117814e-06, 0.001100428748, 2.077264e-06, 2.4787446e-05),
    # The listed box is 0.016 x 0.016 x 0.213 m.
    collision=(GeomCfg("capsule", (0.009, 0.0975), (0.0, 0.0, -0.1065)),),
    visual=CALF_LOOKS,
)
FOOT = LinkCfg(
    name="foot",
    mass=0.06,
    com=(0.0, 0.0, 0.0),
    inertia=(9.6e-06, 0.0, 0.0, 9.6e-06, 0.0, 9.6e-06),
    collision=(GeomCfg("sphere", (0.02,)),),
    visual=FOOT_LOOKS,
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
