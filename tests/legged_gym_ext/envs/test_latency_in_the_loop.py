"""Latency in the step loop: what the actor sees is late, what the critic sees is not; motors get actions late."""

from __future__ import annotations

from dataclasses import replace

import torch
from host_syncs import HostSyncs

from legged_gym_ext.envs.cfg import NoiseCfg
from legged_gym_ext.envs.latency import Latency
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.sensors.latency import LatencyCfg
from legged_gym_ext.tasks.registry import get_task, task_names

FIXED = LatencyCfg(proprioception=(0.03, 0.03), action=(0.01, 0.01))
MEASURED = [*range(9), *range(12, 36)]
KNOWN = [*range(9, 12), *range(36, 48)]


def make(latency: LatencyCfg | None, num_envs: int = 2, seed: int = 0) -> LeggedEnv:
    """The walk without noise and pushes, on flat ground; episodes of a second."""
    cfg = get_task("go1_walk").env
    events = {name: term for name, term in cfg.events.items() if name != "push"}
    return LeggedEnv(
        replace(
            cfg,
            num_envs=num_envs,
            episode_length_s=1.0,
            noise=NoiseCfg(0.0, 0.0, 0.0, 0.0, 0.0),
            sim=replace(cfg.sim, num_threads=1),
            events=events,
            latency=latency,
        ),
        seed=seed,
    )


def latency_of(env: LeggedEnv) -> Latency:
    assert env.latency is not None
    return env.latency


def clean(env: LeggedEnv) -> torch.Tensor:
    """(N, 48): what is, scaled as the actor's observation is."""
    critic = env.get_observations()[1]["observations"]["critic"]
    return env.critic_obs_segments.split(critic)["proprioception"].clone()


def step(env: LeggedEnv, generator: torch.Generator) -> torch.Tensor:
    actions = 0.3 * torch.randn(env.num_envs, 12, generator=generator)
    env.step(actions)
    return actions


def test_tasks_have_no_latency_unless_they_ask_for_it() -> None:
    late = {name for name in task_names() if get_task(name).env.latency is not None}
    assert late == {f"{robot}_{task}" for robot in ("a1", "go1") for task in ("adapted", "onboard", "vision")}
    assert make(None).latency is None


def test_the_actor_sees_the_past_between_two_steps() -> None:
    env, generator = make(FIXED), torch.Generator().manual_seed(0)
    seen, past = env.get_observations()[0], [clean(env)]
    torch.testing.assert_close(seen, past[0])  # at the start things were as they are
    for number in range(1, 8):
        step(env, generator)
        seen = env.get_observations()[0]
        past.append(clean(env))
        # 30 ms are one and a half control steps.
        expected = 0.5 * (past[number - 1] + past[max(number - 2, 0)])
        torch.testing.assert_close(seen[:, MEASURED], expected[:, MEASURED], atol=1e-5, rtol=0)
        assert torch.equal(seen[:, KNOWN], past[number][:, KNOWN])
    assert (past[-1] - past[-2])[:, MEASURED].abs().max() > 0.01


def test_actions_arrive_between_physics_steps() -> None:
    env, generator = make(FIXED), torch.Generator().manual_seed(0)
    default, scale = env.state.default_dof_pos, env.state.action_scale
    before = torch.zeros(2, 12)
    for _ in range(3):
        actions = step(env, generator)
        targets = torch.from_numpy(env.sim.last_inputs(1)["targets"]).float()
        torch.testing.assert_close(targets[:2], (default + scale * before[1]).expand(2, 12), atol=1e-6, rtol=0)
        torch.testing.assert_close(targets[2:], (default + scale * actions[1]).expand(2, 12), atol=1e-6, rtol=0)
        before = actions


def test_a_reset_forgets_the_past_of_its_worlds_alone() -> None:
    env, generator = make(FIXED), torch.Generator().manual_seed(0)
    env.episode_length_buf = torch.tensor([0, 45])
    for _ in range(5):
        step(env, generator)
    assert env.episode_length_buf.tolist() == [5, 0]
    seen, now = env.get_observations()[0], clean(env)
    assert torch.equal(seen[1], now[1]) and not torch.equal(seen[0], now[0])
    step(env, generator)
    default = env.state.default_dof_pos
    first = torch.from_numpy(env.sim.last_inputs(1)["targets"]).float()[0]
    torch.testing.assert_close(first, default)


def test_delays_are_drawn_anew_at_intervals() -> None:
    cfg = LatencyCfg(proprioception=(0.005, 0.045), action=(0.0, 0.02), interval=(0.1, 0.1))
    env = make(cfg, num_envs=40)
    latency, drawn = latency_of(env), []
    for _ in range(11):
        drawn.append(latency.sensor_delay.clone())
        env.step(torch.zeros(40, 12))
    changes = [bool((a != b).all()) for a, b in zip(drawn[1:], drawn, strict=False)]
    assert changes == [False, False, False, False, True] * 2
    assert 0.005 <= float(drawn[-1].min()) < 0.01 and 0.04 < float(drawn[-1].max()) <= 0.045
    assert 0.0 <= float(latency.action_delay.min()) < 0.003 and 0.017 < float(latency.action_delay.max()) <= 0.02


def test_a_restored_environment_goes_on_bit_for_bit() -> None:
    cfg = replace(LatencyCfg(), interval=(0.06, 0.1))
    env, other = make(cfg, seed=0), make(cfg, seed=1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(7):
        step(env, generator)
    other.load_state_dict(env.state_dict())
    for _ in range(7):
        actions = torch.randn(2, 12, generator=generator)
        assert torch.equal(env.step(actions)[0], other.step(actions)[0])


def test_latency_waits_for_nothing() -> None:
    env = make(replace(FIXED, interval=(0.02, 0.04)))
    env.state.skip_empty = False
    env.step(torch.zeros(2, 12))
    with HostSyncs(ignoring=("sim/mujoco/backend.py", "sim/mujoco/model.py")) as syncs:
        for _ in range(3):
            env.step(torch.zeros(2, 12))
    assert not syncs.found
