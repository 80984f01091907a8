"""Terms on numbers worked by hand: a simulator of two worlds whose tensors are overwritten."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym_ext.mdp import metrics, observations, rewards, terminations
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.registry import make_simulator


@pytest.fixture
def env() -> EnvState:
    """Two upright robots at rest in the default pose; control step 0.02 s."""
    sim = make_simulator("mujoco", GO1, 2, sim=SimCfg(num_threads=1), scene=SceneCfg())
    generator = torch.Generator().manual_seed(0)
    return EnvState(sim, None, action_scale=0.25, max_episode_length=100, generator=generator)


def close(value: torch.Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_velocity_terms(env: EnvState) -> None:
    # World 1 is turned by 90 degrees: forward is +y of the world, so 0.5 m/s along +y is 0.5 forward.
    env.sim.root_states[1, 3:7] = torch.tensor([0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)])
    env.sim.root_states[1, 7:13] = torch.tensor([0.0, 0.5, 0.2, 0.3, 0.4, 1.0])
    env.commands[:] = torch.tensor([[0.3, 0.4, 0.5], [1.0, 0.0, 0.5]])
    env.update_kinematics()
    close(env.base_lin_vel[1], [0.5, 0.0, 0.2])
    close(rewards.track_lin_vel(env, sigma=0.25), [math.exp(-1.0), math.exp(-1.0)])
    close(rewards.track_yaw_rate(env, sigma=0.5), [math.exp(-0.5), math.exp(-0.5)])
    close(rewards.lin_vel_z(env), [0.0, 0.04])
    close(rewards.ang_vel_xy(env), [0.0, 0.25])
    close(metrics.lin_vel_error_squared(env), [0.25, 0.25])
    close(metrics.yaw_rate_error_squared(env), [0.25, 0.25])
    close(metrics.planar_speed(env), [0.0, 0.5])


def test_tilt(env: EnvState) -> None:
    env.sim.root_states[1, 2] = 0.5
    env.sim.root_states[1, 3:7] = torch.tensor([math.sin(0.6), 0.0, 0.0, math.cos(0.6)])  # roll 1.2 rad
    env.update_kinematics()
    close(rewards.tilt(env), [0.0, math.sin(1.2) ** 2])
    assert terminations.bad_orientation(env, max_tilt=1.0).tolist() == [False, True]
    assert terminations.bad_orientation(env, max_tilt=1.3).tolist() == [False, False]


def test_motor_terms(env: EnvState) -> None:
    env.sim.torques[0], env.sim.substep_dof_vel[0] = 2.0, -3.0
    close(rewards.torque(env), [12 * 4.0, 0.0])
    close(rewards.mechanical_power(env), [12 * 6.0, 0.0])
    close(metrics.power_over_weight(env), [72.0 / (env.mass * 9.81), 0.0])
    env.last_dof_vel[1] = -0.1
    env.sim.dof_vel.zero_()
    close(rewards.dof_acc(env), [0.0, 12 * 25.0])
    env.actions[0], env.last_actions[0] = 1.0, 0.5
    close(rewards.action_rate(env), [3.0, 0.0])


def test_pose_terms(env: EnvState) -> None:
    env.sim.dof_pos[0, 0] += 0.1  # a hip
    env.sim.dof_pos[0, 1] += 0.2  # a thigh
    env.commands[1, 0] = 1.0
    close(rewards.default_pose(env), [0.1, 0.0])
    close(rewards.stand_still(env), [0.3, 0.0])
    env.sim.dof_pos[1, 2] = env.dof_upper[2]
    half = 0.5 * float(env.dof_upper[2] - env.dof_lower[2])
    close(rewards.dof_pos_limits(env, soft=0.9), [0.0, 0.1 * half])


def test_contact_terms(env: EnvState) -> None:
    forces = torch.zeros(2, len(GO1.body_names), 3)
    forces[0, 0, 2], forces[0, GO1.body_names.index("FL_calf"), 0] = 5.0, 2.0
    forces[1, GO1.body_names.index("FR_foot"), 2] = 50.0
    env.contact_forces = forces
    close(rewards.collision(env), [2.0, 0.0])
    assert terminations.trunk_contact(env).tolist() == [True, False]
    assert terminations.trunk_contact(env, force=6.0).tolist() == [False, False]


def test_air_time_counts_from_lift_off_to_touch_down(env: EnvState) -> None:
    env.commands[:, 0] = torch.tensor([1.0, 0.0])
    foot = GO1.body_names.index("RL_foot")
    env.sim.contact_forces.zero_()
    for _ in range(14):
        env.update_contacts()
    assert not env.contacts.any()
    env.sim.contact_forces[:, foot, 2] = 20.0
    env.update_contacts()
    assert env.touch_down.tolist() == [[False, False, True, False]] * 2
    close(env.last_air_time[0], [0.0, 0.0, 0.3, 0.0])
    # (0.30 - 0.25) s once per 0.02 s step; nothing for the world told to stand.
    close(rewards.feet_air_time(env, threshold=0.25), [2.5, 0.0])
    close(observations.foot_contacts(env)[0], [0.0, 0.0, 1.0, 0.0])
    env.update_contacts()
    assert not env.touch_down.any()
    close(env.contact_time[0], [0.0, 0.0, 0.04, 0.0])


def test_foot_motion_terms(env: EnvState) -> None:
    states = env.sim.body_states
    feet = states[:, env.foot_ids]
    feet[..., 7:10] = torch.tensor([0.3, 0.4, 1.0])
    feet[..., 2] = GO1.foot_radius + 0.05
    states[:, env.foot_ids] = feet
    env.contacts[0, :2] = True
    close(rewards.foot_clearance(env, target=0.15), [2 * 0.005, 4 * 0.005])


def test_ends_of_episodes(env: EnvState) -> None:
    env.episode_length[:] = torch.tensor([99, 100])
    assert terminations.time_out(env).tolist() == [False, True]
    env.sim.invalid[0] = True
    assert terminations.broken_state(env).tolist() == [True, False]
    env.fell[1] = True
    close(rewards.termination(env), [0.0, 50.0])


def test_observations(env: EnvState) -> None:
    env.env_origins[1] = torch.tensor([1.0, 2.0, 0.1])
    close(observations.base_pose(env)[1], [-1.0, -2.0, GO1.base_height - 0.1, 0.0, 0.0, 0.0])
    close(observations.robot_config(env)[0], [GO1.friction, 0.0, 0.0, 0.0, 0.0] + [1.0] * 12)
