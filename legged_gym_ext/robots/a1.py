"""Unitree A1: figures of the manufacturer's description (BSD-3-Clause), SI units, front left leg."""

from legged_gym_ext.robots.assemble import assemble
from legged_gym_ext.robots.base import GeomCfg, JointCfg, LegCfg, LinkCfg, MountCfg

QUARTER = 1.5707963267948966  # rad
BODY = (0.10, 0.105, 0.115, 1.0)
BLACK = (0.045, 0.045, 0.05, 1.0)
SILVER = (0.62, 0.64, 0.67, 1.0)
STEEL = (0.34, 0.36, 0.39, 1.0)
BLUE = (0.08, 0.32, 0.78, 1.0)
LENS = (0.10, 0.20, 0.34, 1.0)
ALONG_X = (0.0, QUARTER, 0.0)
ALONG_Y = (QUARTER, 0.0, 0.0)

TRUNK_LOOKS = (
    # Angular hull with beveled long edges.
    GeomCfg("box", (0.130, 0.082, 0.046), (0.0, 0.0, 0.0), rgba=BODY),
    GeomCfg("box", (0.130, 0.097, 0.026), (0.0, 0.0, 0.0), rgba=BODY),
    GeomCfg("capsule", (0.019, 0.112), (0.0, 0.078, 0.028), ALONG_X, BODY),
    GeomCfg("capsule", (0.019, 0.112), (0.0, -0.078, 0.028), ALONG_X, BODY),
    GeomCfg("capsule", (0.019, 0.112), (0.0, 0.078, -0.028), ALONG_X, BODY),
    GeomCfg("capsule", (0.019, 0.112), (0.0, -0.078, -0.028), ALONG_X, BODY),
    # Silver deck with a dark hatch, blue line along each flank.
    GeomCfg("box", (0.120, 0.060, 0.004), (0.0, 0.0, 0.048), rgba=SILVER, gloss=0.7),
    GeomCfg("box", (0.075, 0.036, 0.004), (-0.010, 0.0, 0.051), rgba=BLACK),
    GeomCfg("box", (0.085, 0.002, 0.005), (0.0, 0.0975, 0.008), rgba=BLUE, gloss=0.8),
    GeomCfg("box", (0.085, 0.002, 0.005), (0.0, -0.0975, 0.008), rgba=BLUE, gloss=0.8),
    GeomCfg("box", (0.070, 0.002, 0.009), (0.0, 0.0970, -0.014), rgba=STEEL),
    GeomCfg("box", (0.070, 0.002, 0.009), (0.0, -0.0970, -0.014), rgba=STEEL),
    GeomCfg("box", (0.110, 0.062, 0.006), (0.0, 0.0, -0.047), rgba=BLACK),
    # Blocks that carry the hips, tail plate.
    GeomCfg("box", (0.020, 0.060, 0.036), (0.145, 0.0, 0.0), rgba=STEEL, gloss=0.6),
    GeomCfg("box", (0.020, 0.060, 0.036), (-0.145, 0.0, 0.0), rgba=STEEL, gloss=0.6),
    GeomCfg("box", (0.035, 0.036, 0.032), (-0.170, 0.0, 0.0), rgba=BODY),
    # Head: visor between silver cheeks, two camera eyes.
    GeomCfg("box", (0.046, 0.042, 0.034), (0.180, 0.0, 0.006), rgba=BODY),
    GeomCfg("ellipsoid", (0.026, 0.046, 0.032), (0.222, 0.0, 0.006), rgba=BLACK, gloss=0.9),
    GeomCfg("box", (0.030, 0.040, 0.003), (0.195, 0.0, 0.041), rgba=SILVER, gloss=0.7),
    GeomCfg("cylinder", (0.0115, 0.006), (0.241, 0.021, 0.009), ALONG_X, SILVER, 0.7),
    GeomCfg("cylinder", (0.0115, 0.006), (0.241, -0.021, 0.009), ALONG_X, SILVER, 0.7),
    GeomCfg("sphere", (0.0085,), (0.2435, 0.021, 0.009), rgba=LENS, gloss=1.0),
    GeomCfg("sphere", (0.0085,), (0.2435, -0.021, 0.009), rgba=LENS, gloss=1.0),
)
HIP_LOOKS = (
    GeomCfg("cylinder", (0.040, 0.020), (0.0, 0.0, 0.0), ALONG_X, BLACK),
    GeomCfg("cylinder", (0.046, 0.022), (0.0, 0.030, 0.0), ALONG_Y, STEEL, 0.6),
    GeomCfg("cylinder", (0.043, 0.005), (0.0, 0.057, 0.0), ALONG_Y, BLUE, 0.8),
)
THIGH_LOOKS = (
    GeomCfg("cylinder", (0.046, 0.018), (0.0, -0.002, 0.0), ALONG_Y, BODY),
    GeomCfg("cylinder", (0.034, 0.004), (0.0, 0.018, 0.0), ALONG_Y, SILVER, 0.7),
    GeomCfg("cylinder", (0.016, 0.003), (0.0, 0.022, 0.0), ALONG_Y, BLACK),
    GeomCfg("box", (0.019, 0.0125, 0.085), (0.0, 0.0, -0.105), (0.0, -0.03, 0.0), BODY),
    GeomCfg("capsule", (0.018, 0.070), (-0.012, 0.0, -0.095), (0.0, 0.10, 0.0), BODY),
    GeomCfg("box", (0.008, 0.002, 0.055), (0.0, 0.0130, -0.105), (0.0, -0.03, 0.0), SILVER, 0.7),
    GeomCfg("cylinder", (0.021, 0.016), (0.0, 0.0, -0.2), ALONG_Y, STEEL, 0.6),
    GeomCfg("cylinder", (0.010, 0.018), (0.0, 0.0, -0.2), ALONG_Y, BLACK),
)
CALF_LOOKS = (
    GeomCfg("capsule", (0.0105, 0.082), (0.0, 0.0, -0.093), rgba=SILVER, gloss=0.6),
    GeomCfg("capsule", (0.0115, 0.020), (0.0, 0.0, -0.162), rgba=BLACK),
)
FOOT_LOOKS = (GeomCfg("sphere", (0.020,), rgba=BLACK, gloss=0.05),)

TRUNK = LinkCfg(
    name="trunk",
    mass=6.0,
    com=(0.0, 0.0041, -0.0005),
    inertia=(0.0158533, -3.66e-05, -6.11e-05, 0.0377999, -2.75e-05, 0.0456542),
    collision=(GeomCfg("box", (0.1335, 0.097, 0.057)),),
    visual=TRUNK_LOOKS,
)
HIP = LinkCfg(
    name="hip",
    mass=0.696,
    com=(-0.003311, 0.000635, 3.1e-05),
    inertia=(0.000469246, -9.409e-06, -3.42e-07, 0.00080749, -4.66e-07, 0.000552929),
    collision=(GeomCfg("cylinder", (0.046, 0.02), (0.0, 0.0, 0.0), (QUARTER, 0.0, 0.0)),),
    visual=HIP_LOOKS,
)
THIGH = LinkCfg(
    name="thigh",
    mass=1.013,
    com=(-0.003237, -0.022327, -0.027326),
    inertia=(0.005529065, 4.825e-06, 0.000343869, 0.005139339, 2.2448e-05, 0.001367788),
    # The listed box is 0.034 x 0.0245 x 0.2 m: a capsule of the same length and cross section fills it.
    collision=(GeomCfg("capsule", (0.0163, 0.0837), (0.0, 0.0, -0.1)),),
    visual=THIGH_LOOKS,
)
CALF = LinkCfg(
    name="calf",
    mass=0.166,
    com=(0.006435, 0.0, -0.107388),
    inertia=(0.002997972, 0.0, -0.000141163, 0.003014022, 0.0, 3.2426e-05),
    # The listed box is 0.016 x 0.016 x 0.2 m.
    collision=(GeomCfg("capsule", (0.009, 0.091), (0.0, 0.0, -0.1)),),
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
