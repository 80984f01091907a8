"""A cart whose velocity no sensor shows directly, and a linear policy that knows it."""

from __future__ import annotations

from typing import Any

import torch
from toys import ToyEnv

from st_rl.modules import ActorCritic
from st_rl.utils.obs_layout import ObsLayout


class HiddenVelocity(ToyEnv):
    """A cart on rails tracks a commanded velocity; it feels only the angle of a wheel that rolls along.

    ``v' = v + push * action + disturbance``; the wheel turns by ``v`` radians per step (unit radius, unit
    time step). The reward is ``exp(-4 (v' - command)^2)``, so that it is positive and at most 1.

    The actor reads sine and cosine of the wheel's angle now and (with ``history``) one step ago; its segment
    ``velocity`` is empty (zero). The critic's ``velocity`` is the true one.
    """

    world_state = ("velocity", "angle", "last_angle", "command")
    push = 0.4

    def __init__(
        self, num_envs: int, history: bool = True, max_episode_length: int = 24, disturbance: float = 0.1, seed: int = 0
    ) -> None:
        self.history = history
        self.disturbance = disturbance
        segments = {"wheel": (4 if history else 2,), "command": (1,), "velocity": (1,)}
        layout = ObsLayout(segments)
        super().__init__(num_envs, layout, 1, max_episode_length, critic_layout=layout, seed=seed)

    def _restart(self, mask: torch.Tensor) -> None:
        angle = 6.2832 * self.rand(1)
        velocity = 2.4 * self.rand(1) - 1.2
        self.write("angle", mask, angle)
        self.write("last_angle", mask, angle - velocity)
        self.write("velocity", mask, velocity)
        self.write("command", mask, 1.6 * self.rand(1) - 0.8)

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        angles = torch.cat((self.angle, self.last_angle), -1) if self.history else self.angle
        wheel = torch.cat((angles.sin(), angles.cos()), -1)
        obs = torch.cat((wheel, self.command, torch.zeros_like(self.velocity)), -1)
        critic = torch.cat((wheel, self.command, self.velocity), -1)
        return obs, {"observations": {"critic": critic}}

    def _advance(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        noise = self.disturbance * self.randn(1)
        self.velocity = (self.velocity + self.push * actions.clamp(-4.0, 4.0) + noise).clamp(-2.0, 2.0)
        self.last_angle, self.angle = self.angle, self.angle + self.velocity
        error = (self.velocity - self.command).square().squeeze(-1)
        return (-4.0 * error).exp(), torch.zeros(self.num_envs, dtype=torch.bool), {"error": error.mean()}


def linear_teacher(env: HiddenVelocity) -> ActorCritic:
    """The policy that reaches the command in one step, from the critic's observation."""
    layout = env.critic_obs_segments
    assert layout is not None
    teacher = ActorCritic(layout.size, layout.size, 1, actor_hidden_dims=None, obs_segments=layout)
    with torch.no_grad():
        weight = teacher.actor.mean.weight.zero_()
        weight[:, layout.slice_of("command")] = 1.0 / env.push
        weight[:, layout.slice_of("velocity")] = -1.0 / env.push
        teacher.actor.mean.bias.zero_()
    return teacher


def train(algorithm: Any, env: Any, iterations: int, steps: int) -> list[dict[str, float]]:
    """Rollouts of ``steps`` and updates in turn; returns what the updates report."""
    obs, extras = env.get_observations()
    critic_obs = extras["observations"].get("critic")
    num_critic_obs = None if critic_obs is None else env.num_critic_obs
    algorithm.init_storage(env.num_envs, steps, env.num_obs, num_critic_obs, env.num_actions)
    reports = []
    for _ in range(iterations):
        for _ in range(steps):
            obs, rewards, dones, infos = env.step(algorithm.act(obs, critic_obs))
            critic_obs = infos["observations"].get("critic")
            algorithm.process_env_step(rewards, dones, infos)
        algorithm.compute_returns(obs, critic_obs)
        reports.append(algorithm.update())
    return reports


@torch.no_grad()
def mean_reward(policy: Any, env: Any, steps: int, critic: bool = False) -> float:
    """Reward per step of the mean actions; ``critic`` lets the policy read the critic's observation."""
    obs, extras = env.reset()
    policy.reset()
    total = 0.0
    for _ in range(steps):
        obs, rewards, dones, extras = env.step(
            policy.act_inference(extras["observations"]["critic"] if critic else obs)
        )
        policy.reset(dones)
        total += rewards.mean().item()
    return total / steps
