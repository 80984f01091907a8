"""``vision``: the course of ``field``, seen through a depth camera.

The actor observes what a robot can measure. The critic's observation is for the teacher, which labels what the student
does, and for the student's estimates of what it cannot measure.
"""

from __future__ import annotations

from dataclasses import replace

from legged_gym_ext.envs.cfg import EventTermCfg, ObsTermCfg, ProprioceptionCfg, TerminationTermCfg
from legged_gym_ext.mdp import observations, track_terms as tracks
from legged_gym_ext.mdp.proprioception import MEASURED, PROPRIOCEPTION
from legged_gym_ext.sensors.depth_camera import DepthCameraCfg
from legged_gym_ext.sensors.latency import LatencyCfg
from legged_gym_ext.tasks.cfg import TaskCfg, TrainCfg
from legged_gym_ext.tasks.skills import NUM_LEVELS, skill
from st_rl.algorithms.dagger import DAggerCfg
from st_rl.modules import ConvKwargs, MlpKwargs, VisualPrivilegeCfg

ESTIMATED = ("robot_config", "engaging_block", "sidewall_distance", "height_measurements")
"""What the teacher observes and the student has to find out, beside the base velocity."""
TEACHERS = {"go1": "go1_mutex", "a1": "a1_mutex"}
"""Shipped policies that know the course by privileged observations; a mutex knows the hardest obstacles too."""
RECENT_STEPS = 5
"""How many control steps of what is measured the student's estimators read: how fast it goes shows in them."""
STARTS = {"go1": "go1_field", "a1": "go1_field"}
"""Shipped policies whose actor the student starts from where the teacher has none of its own."""


STUDENT = VisualPrivilegeCfg(
    class_name="VisualPrivilegeStateAc",
    init_noise_std=0.2,
    visual_kwargs=ConvKwargs(channels=(16, 32, 64), kernel_sizes=(5, 3, 3), strides=(2, 2, 2), paddings=(2, 1, 1)),
    memory_components=("recent", "image_age"),
    adaptor_obs_components=("recent", "forward_depth", "image_age"),
    adaptor_target_components=ESTIMATED,
    adaptor_kwargs=MlpKwargs(hidden_sizes=(128,), nonlinearity="ELU"),
    adaptor_classes={"engaging_block": (1, 6)},
    # The distance of the actions teaches the estimates too.
    adaptor_gradient=True,
    estimator_obs_components=("recent", "forward_depth", "image_age"),
    estimator_target_components=("base_lin_vel",),
    estimator_kwargs=MlpKwargs(hidden_sizes=(64,), nonlinearity="ELU"),
    estimator_gradient=True,
)
"""The policy that sees."""


def vision(robot: str) -> TaskCfg:
    """The task of ``robot`` that teaches it to pass the course of ``field`` by what it sees."""
    course = skill("field", robot)
    cfg = course.env
    assert cfg.track is not None
    levels = {"num_levels": NUM_LEVELS, "solid_probability": 1.0}
    events = cfg.events | {
        "levels": EventTermCfg(tracks.random_track_level, "startup", params=levels),
        "track": EventTermCfg(tracks.new_track, "reset", params={"num_levels": NUM_LEVELS, "uniform": True}),
        "before_obstacle": EventTermCfg(tracks.start_before_obstacle, "reset", params={"share": 0.3}),
    }
    env = replace(
        cfg,
        num_envs=256,
        # A gap is the hardest to see, and is shown three times as often as the rest.
        track=replace(cfg.track, blocks=(*cfg.track.blocks, "leap", "leap"), soft_obstacles=False),
        camera=DepthCameraCfg(height=24, width=32),
        # Actions are not late: the teachers have not learned to live with that.
        latency=LatencyCfg(action=(0.0, 0.0)),
        observations={
            "onboard": ProprioceptionCfg(MEASURED),
            "recent": ProprioceptionCfg(MEASURED, history=RECENT_STEPS),
            "forward_depth": ObsTermCfg(observations.forward_depth),
            "image_age": ObsTermCfg(observations.image_age),
        },
        critic_observations=cfg.observations | {"base_lin_vel": ProprioceptionCfg(("base_lin_vel",))},
        # Imitation asks for no reward; what is left of them shows in the log how well it goes.
        rewards={name: cfg.rewards[name] for name in ("forward_progress", "termination")},
        events=events,
        # Robots that stand before an obstacle teach nothing more: the skills pass it at a run.
        terminations=cfg.terminations | {"stuck": TerminationTermCfg(tracks.stuck, time_out=True)},
        curriculum={},
    )
    parts = {"base_lin_vel": PROPRIOCEPTION.size_of("base_lin_vel"), "onboard": PROPRIOCEPTION.sublayout(MEASURED).size}
    algorithm = DAggerCfg(
        teacher_run=TEACHERS.get(robot, f"{robot}_field"),
        start_run=STARTS.get(robot),
        teacher_segments={"proprioception": parts},
        teacher_schedule="linear",
        teacher_decay_updates=150.0,
        # Squares would be about robots that are falling, for the most part.
        distill_target="real",
        estimation_floor=0.01,
        num_gradient_steps=16,
        entropy_coef=0.0,
        cool_down_updates=(640, 1200),
        cool_down_to=0.05,
    )
    train = TrainCfg(
        max_iterations=1200,
        policy=STUDENT,
        algorithm=algorithm,
        algorithm_class="DAgger",
        num_steps_per_env=50,
        save_interval=50,
    )
    return TaskCfg(name=f"{robot}_vision", env=env, train=train)
