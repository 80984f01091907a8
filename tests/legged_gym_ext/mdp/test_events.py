"""Events, curricula and commands: numbers worked by hand, and worlds outside the mask stay as they are."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym_ext.envs.cfg import EventTermCfg
from legged_gym_ext.envs.managers import EventManager
from legged_gym_ext.mdp import curriculum, events
from legged_gym_ext.mdp.commands import VelocityCommandCfg, resample_due, steer_along_track, velocity_commands
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.robots.go1 import GO1
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.sim.registry import make_simulator
from legged_gym_ext.terrain.height_field import HeightField, HeightFieldCfg
from st_rl.utils.rotations import euler_xyz_from_quat, quat_from_euler_xyz

FIELD = HeightFieldCfg(num_levels=4, strip_length=4.0, width=8.0, margin=2.0, roughness=(0.0, 0.2), seed=2)


def make(num: int, field: HeightField | None = None) -> EnvState:
    """``num`` robots at rest; control step 0.02 s."""
    scene = SceneCfg(height_field=None if field is None else field.cfg)
    sim = make_simulator("mujoco", GO1, num, sim=SimCfg(num_threads=1), scene=scene, height_field=field)
    generator = torch.Generator().manual_seed(0)
    return EnvState(sim, field, action_scale=0.25, max_episode_length=100, generator=generator)


@pytest.fixture
def env() -> EnvState:
    return make(3)


@pytest.fixture(scope="module")
def many() -> EnvState:
    return make(300, HeightField(FIELD))


MIDDLE = torch.tensor([False, True, False])


def close(value: torch.Tensor, expected: list | float, atol: float = 1e-5) -> None:
    torch.testing.assert_close(value, torch.tensor(expected), atol=atol, rtol=0)


def everyone(env: EnvState) -> torch.Tensor:
    return torch.ones(env.num_envs, dtype=torch.bool)


def within(values: torch.Tensor, low: float, high: float) -> None:
    """Uniform in [low, high]: within it, and all over it."""
    assert low - 1e-6 <= float(values.min()) < low + 0.1 * (high - low)
    assert high + 1e-6 >= float(values.max()) > high - 0.1 * (high - low)
    assert abs(float(values.mean()) - 0.5 * (low + high)) < 0.1 * (high - low)


def lowest_foot(env: EnvState) -> torch.Tensor:
    """(N,) m, height of the lowest point of the feet."""
    return env.sim.body_states[:, env.foot_ids, 2].amin(dim=1) - GO1.foot_radius


# ------------------------------------------------------------------ resets


def test_a_reset_puts_the_robot_where_it_is_told(env: EnvState) -> None:
    env.env_origins[1] = torch.tensor([3.0, -2.0, 0.5])
    before = env.sim.root_states.clone(), env.sim.dof_pos.clone(), env.sim.dof_vel.clone()
    events.reset_root_and_joints(
        env,
        MIDDLE,
        xy=(0.1, 0.1),
        yaw=(1.0, 1.0),
        roll=(0.2, 0.2),
        pitch=(0.1, 0.1),
        forward=(0.7, 0.7),
        lin_vel=(0.3, 0.3),
        ang_vel=(-0.4, -0.4),
        joint_offset=(0.05, 0.05),
        joint_vel=(0.6, 0.6),
        clearance=(0.03, 0.03),
    )
    root = env.sim.root_states[1]
    close(root[0:2], [3.1, -1.9])
    assert float(lowest_foot(env)[1]) == pytest.approx(0.5 + 0.03, abs=1e-5)
    close(euler_xyz_from_quat(root[3:7]), [0.2, 0.1, 1.0])
    close(root[7:13], [0.7, 0.3, 0.3, -0.4, -0.4, -0.4])
    close(env.sim.dof_pos[1], [angle + 0.05 for angle in GO1.default_dof_pos])
    close(env.sim.dof_vel[1], [0.6] * 12)
    for old, new in zip(before, (env.sim.root_states, env.sim.dof_pos, env.sim.dof_vel), strict=True):
        assert torch.equal(old[~MIDDLE], new[~MIDDLE])


def test_joints_are_reset_within_their_limits(env: EnvState) -> None:
    events.reset_root_and_joints(env, everyone(env), joint_offset=(9.0, 9.0))
    close(env.sim.dof_pos[0], env.dof_upper.tolist())
    events.reset_root_and_joints(env, everyone(env), joint_offset=(-9.0, -9.0))
    close(env.sim.dof_pos[0], env.dof_lower.tolist())


def test_a_reset_stands_above_the_highest_ground_under_the_feet(many: EnvState) -> None:
    assert many.height_field is not None
    many.env_origins[:, 0] = 12.0  # the roughest strip
    events.reset_root_and_joints(many, everyone(many), xy=(-1.0, 1.0), yaw=(0.0, 0.0), clearance=(0.02, 0.02))
    root = many.sim.root_states
    within(root[:, 0] - 12.0, -1.0, 1.0)
    grid = torch.cartesian_prod(torch.tensor([-0.25, 0.0, 0.25]), torch.tensor([-0.15, 0.0, 0.15]))
    highest = many.height_field.height_at(root[:, None, 0:2] + grid).amax(dim=1)
    torch.testing.assert_close(lowest_foot(many), highest + 0.02, atol=1e-5, rtol=0)
    assert highest.std() > 0.005
    many.env_origins.zero_()


def test_a_share_of_the_worlds_starts_as_another_skill_leaves_the_robot(many: EnvState) -> None:
    events.reset_root_and_joints(many, everyone(many), lin_vel=(0.0, 0.0))
    masked = torch.arange(many.num_envs) % 3 > 0
    events.arrive(many, masked, share=0.4)
    arrived = many.sim.root_states[:, 7] > 0.0
    assert not arrived[~masked].any()
    assert float(arrived[masked].float().mean()) == pytest.approx(0.4, abs=0.12)
    within(many.sim.root_states[arrived, 7], 0.6, 2.6)
    ahead = many.sim.root_states[arrived, 0] - many.env_origins[arrived, 0]
    assert ahead.min() >= -0.25 and ahead.max() <= 1.05
    assert float(ahead.mean()) == pytest.approx(0.4, abs=0.12)
    within(euler_xyz_from_quat(many.sim.root_states[arrived, 3:7])[:, 1], -0.15, 0.6)
    within(many.sim.dof_vel[arrived], -8.0, 8.0)


def test_resets_are_spread_over_their_ranges(many: EnvState) -> None:
    events.reset_root_and_joints(many, everyone(many))
    root = many.sim.root_states
    within(root[:, 0:2], -0.5, 0.5)
    angles = euler_xyz_from_quat(root[:, 3:7])
    within(angles[:, 2], -math.pi, math.pi)
    within(angles[:, :2], -0.1, 0.1)
    within(root[:, 7:13], -0.3, 0.3)
    within(many.sim.dof_vel, -0.5, 0.5)
    within(many.sim.dof_pos[:, 1] - GO1.default_dof_pos[1], -0.2, 0.2)


# ------------------------------------------------------------------ dynamics and pushes


def test_dynamics_are_set_in_their_worlds(env: EnvState) -> None:
    before = {name: value.clone() for name, value in vars(env.sim.dynamics).items()}
    events.randomize_dynamics(
        env,
        MIDDLE,
        friction=(0.7, 0.7),
        added_mass=(1.5, 1.5),
        com_shift=(0.02, 0.02),
        motor_strength=(0.9, 0.9),
        gains=(1.1, 1.1),
        joint_friction=(0.2, 0.2),
        armature=(1.2, 1.2),
    )
    now = vars(env.sim.dynamics)
    expected = {
        "friction": 0.7,
        "added_mass": 1.5,
        "com_shift": [0.02] * 3,
        "motor_strength": [0.9] * 12,
        "stiffness": [1.1 * value for value in GO1.stiffness],
        "damping": [1.1 * value for value in GO1.damping],
        "joint_friction": [0.2] * 12,
        "armature": [1.2 * GO1.armature] * 12,
    }
    assert set(expected) == set(now)
    for name, value in expected.items():
        close(now[name][1], value)
        assert torch.equal(now[name][~MIDDLE], before[name][~MIDDLE]), name


def test_dynamics_are_spread_over_their_ranges(many: EnvState) -> None:
    events.randomize_dynamics(many, everyone(many))
    now = many.sim.dynamics
    assert now.friction is not None and now.added_mass is not None and now.com_shift is not None
    assert now.motor_strength is not None and now.stiffness is not None and now.joint_friction is not None
    within(now.friction, 0.5, 1.25)
    within(now.added_mass, -0.5, 1.5)
    within(now.com_shift, -0.03, 0.03)
    within(now.motor_strength, 0.9, 1.1)
    within(now.stiffness / torch.tensor(GO1.stiffness), 0.9, 1.1)
    within(now.joint_friction, 0.0, 0.3)
    # Each joint has a factor of its own.
    assert now.motor_strength.std(dim=1).min() > 0.01


def test_a_push_is_horizontal(env: EnvState) -> None:
    before = env.sim.root_states.clone()
    events.push(env, MIDDLE, lin_vel=(0.4, 0.4), yaw_rate=(-0.3, -0.3))
    change = env.sim.root_states - before
    close(change[1], [0.0] * 7 + [0.4, 0.4, 0.0, 0.0, 0.0, -0.3])
    assert torch.equal(env.sim.root_states[~MIDDLE], before[~MIDDLE])


# ------------------------------------------------------------------ terrain levels


def test_worlds_are_placed_on_the_strip_of_their_level(many: EnvState) -> None:
    many.terrain_levels[:] = torch.arange(300) % 4
    many.env_origins[:] = 99.0
    mask = torch.arange(300) < 200
    events.place_on_level(many, mask, x=(-1.0, 1.0), y=(-3.0, 3.0))
    within(many.env_origins[mask, 0] - 4.0 * many.terrain_levels[mask], -1.0, 1.0)
    within(many.env_origins[mask, 1], -3.0, 3.0)
    assert (many.env_origins[mask, 2] == 0.0).all() and (many.env_origins[~mask] == 99.0).all()
    many.env_origins.zero_()


def test_terrain_levels_rise_and_fall(many: EnvState) -> None:
    many.terrain_levels[:] = 1
    many.terrain_levels[3] = 0
    many.tracking_score[:] = 0.5
    many.tracking_score[:5] = torch.tensor([0.71, 0.44, 0.6, 0.1, 0.9])
    mask = torch.arange(300) != 4
    curriculum.terrain_level(many, mask, up=0.7, down=0.45)
    assert many.terrain_levels[:6].tolist() == [2, 0, 1, 0, 1, 1]


def test_a_share_of_the_worlds_goes_to_any_level(many: EnvState) -> None:
    many.terrain_levels[:], many.tracking_score[:] = 1, 0.9
    curriculum.terrain_level(many, everyone(many), anywhere=0.5)
    # Half go to level 2, the other half anywhere.
    assert float((many.terrain_levels == 2).float().mean()) == pytest.approx(0.5 + 0.5 / 4, abs=0.1)
    assert many.terrain_levels.unique().tolist() == [0, 1, 2, 3]


def test_past_the_top_any_level_is_next(many: EnvState) -> None:
    many.terrain_levels[:], many.tracking_score[:] = 3, 0.9
    curriculum.terrain_level(many, everyone(many))
    assert set(many.terrain_levels.tolist()) == {0, 1, 2, 3}


def test_random_levels(many: EnvState) -> None:
    many.terrain_levels[:] = 7
    mask = torch.arange(300) < 200
    curriculum.random_level(many, mask)
    assert set(many.terrain_levels[mask].tolist()) == {0, 1, 2, 3}
    assert (many.terrain_levels[~mask] == 7).all()


def test_without_a_height_field_there_are_no_levels(env: EnvState) -> None:
    env.terrain_levels[:], env.env_origins[:] = 2, 1.5
    events.place_on_level(env, everyone(env))
    curriculum.terrain_level(env, everyone(env))
    curriculum.random_level(env, everyone(env))
    assert (env.terrain_levels == 2).all() and (env.env_origins == 1.5).all()


# ------------------------------------------------------------------ commands


def test_commands_are_spread_over_their_ranges(many: EnvState) -> None:
    cfg = VelocityCommandCfg(lin_vel_x=(0.2, 1.0), lin_vel_y=(-0.4, 0.2), ang_vel_yaw=(0.5, 1.5), standing_fraction=0.2)
    commands = torch.cat([velocity_commands(many, cfg) for _ in range(4)])
    standing = (commands == 0.0).all(dim=1)
    assert 0.15 < standing.float().mean() < 0.25
    within(commands[~standing, 0], 0.2, 1.0)
    within(commands[~standing, 1], -0.4, 0.2)
    within(commands[~standing, 2], 0.5, 1.5)


def test_a_command_is_held_for_its_time(env: EnvState) -> None:
    env.episode_length[:] = torch.tensor([49, 50, 100])  # 0.98, 1.0 and 2.0 s
    assert resample_due(env, VelocityCommandCfg(resampling_time_s=1.0)).tolist() == [False, True, True]
    assert resample_due(env, VelocityCommandCfg(resampling_time_s=2.0)).tolist() == [False, False, True]
    assert resample_due(env, VelocityCommandCfg(resampling_time_s=0.02)).all()


def test_steering_leads_back_to_the_track(env: EnvState) -> None:
    env.commands[:] = torch.tensor([0.8, 9.0, 9.0])
    root = env.sim.root_states
    root[:, 1] = torch.tensor([0.2, -0.1, -5.0])
    zero, yaw = torch.zeros(3), torch.tensor([0.1, -0.3, 1.0])
    root[:, 3:7] = quat_from_euler_xyz(zero, zero, yaw)
    env.update_kinematics()
    close(steer_along_track(env), [[0.8, -0.2, -0.2], [0.8, 0.1, 0.6], [0.8, 0.3, -1.0]])
    steered = steer_along_track(env, lateral_gain=0.5, yaw_gain=1.0, max_lateral=1.0, max_yaw_rate=0.5)
    close(steered, [[0.8, -0.1, -0.1], [0.8, 0.05, 0.3], [0.8, 1.0, -0.5]])


# ------------------------------------------------------------------ random numbers


def test_only_worlds_that_start_anew_draw_random_numbers(env: EnvState) -> None:
    expected = torch.Generator().manual_seed(7)
    spread = torch.rand(1, generator=expected), torch.rand(1, generator=expected)
    env.generator.manual_seed(7)
    events.randomize_dynamics(env, MIDDLE, friction=(0.5, 1.5), added_mass=(-1.0, 1.0))
    friction, mass = env.sim.dynamics.friction, env.sim.dynamics.added_mass
    assert friction is not None and mass is not None
    close(friction, [1.0, 0.5 + float(spread[0]), 1.0])
    close(mass, [0.0, 2.0 * float(spread[1]) - 1.0, 0.0])


def test_drawing_for_all_worlds_is_the_same_by_rows_and_by_mask(env: EnvState) -> None:
    results = []
    for looks in (True, False):
        env.skip_empty = looks
        env.generator.manual_seed(3)
        events.reset_root_and_joints(env, everyone(env))
        results.append((env.sim.root_states.clone(), env.sim.dof_vel.clone()))
    for by_rows, by_mask in zip(*results, strict=True):
        assert torch.equal(by_rows, by_mask)


def test_interval_events_that_are_not_due_do_nothing(env: EnvState) -> None:
    seen: list[torch.Tensor] = []
    manager = EventManager(
        env, {"kick": EventTermCfg(lambda _, mask: seen.append(mask.clone()), "interval", interval_s=(1.0, 1.0))}
    )
    manager.clocks = [torch.tensor([0.03, 0.05, 0.05])]
    state = env.generator.get_state()
    assert not manager.advance() and not seen
    assert torch.equal(env.generator.get_state(), state)
    close(manager.clocks[0], [0.01, 0.03, 0.03])
    assert manager.advance()
    assert [mask.tolist() for mask in seen] == [[True, False, False]]
    close(manager.clocks[0], [1.0, 0.01, 0.01])
