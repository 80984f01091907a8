"""Small analytic environments, batched, that the tests of the learning library train on."""

from __future__ import annotations

from typing import Any

import torch

from st_rl.utils.obs_layout import ObsLayout


class ToyEnv:
    """What the toys share: time limits, per-world resets by mask, a generator of their own, exact state.

    A toy names its per-world tensors in ``world_state`` and implements ``_observe``, ``_advance`` and ``_restart``.
    """

    world_state: tuple[str, ...] = ()

    def __init__(
        self,
        num_envs: int,
        layout: ObsLayout,
        num_actions: int,
        max_episode_length: int,
        critic_layout: ObsLayout | None = None,
        seed: int = 0,
    ) -> None:
        self.num_envs, self.num_actions = num_envs, num_actions
        self.obs_segments, self.critic_obs_segments = layout, critic_layout
        self.num_obs = layout.size
        self.num_critic_obs = (critic_layout or layout).size
        self.max_episode_length = max_episode_length
        self.episode_length_buf = torch.zeros(num_envs, dtype=torch.int64)
        self.device = torch.device("cpu")
        self.generator = torch.Generator().manual_seed(seed)
        self.episode_return = torch.zeros(num_envs)
        self._restart(torch.ones(num_envs, dtype=torch.bool))

    def randn(self, *shape: int) -> torch.Tensor:
        return torch.randn(self.num_envs, *shape, generator=self.generator)

    def rand(self, *shape: int) -> torch.Tensor:
        return torch.rand(self.num_envs, *shape, generator=self.generator)

    def write(self, name: str, mask: torch.Tensor, value: torch.Tensor) -> None:
        """Set the masked worlds' rows of the tensor ``name``."""
        old = vars(self).get(name, torch.zeros_like(value))
        setattr(self, name, torch.where(mask.view(-1, *[1] * (value.dim() - 1)), value, old))

    def get_observations(self) -> tuple[torch.Tensor, dict[str, Any]]:
        return self._observe()

    def reset(self) -> tuple[torch.Tensor, dict[str, Any]]:
        self._reset(torch.ones(self.num_envs, dtype=torch.bool))
        return self._observe()

    def _reset(self, mask: torch.Tensor) -> None:
        self._restart(mask)
        self.episode_length_buf = self.episode_length_buf.masked_fill(mask, 0)
        self.episode_return = self.episode_return.masked_fill(mask, 0.0)

    def step(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        rewards, failed, log = self._advance(actions)
        self.episode_length_buf = self.episode_length_buf + 1
        self.episode_return = self.episode_return + rewards
        time_outs = (self.episode_length_buf >= self.max_episode_length) & ~failed
        dones = failed | time_outs
        ended = dones.sum().clamp(min=1)
        episode = {"return": (self.episode_return * dones).sum() / ended}
        self._reset(dones)
        obs, extras = self._observe()
        return obs, rewards, dones, {"time_outs": time_outs, "episode": episode, "log": log, **extras}

    def state_dict(self) -> dict[str, Any]:
        names = ("episode_length_buf", "episode_return", *self.world_state)
        return {"generator": self.generator.get_state(), **{name: vars(self)[name].clone() for name in names}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.set_state(state["generator"])
        for name in ("episode_length_buf", "episode_return", *self.world_state):
            setattr(self, name, state[name].clone())

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        raise NotImplementedError

    def _advance(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """Returns rewards (N,), failures (N,) bool and the means to log."""
        raise NotImplementedError

    def _restart(self, mask: torch.Tensor) -> None:
        raise NotImplementedError


class PointMass(ToyEnv):
    """A unit mass on a plane is pushed to the origin; linear dynamics, quadratic cost.

    The reward is minus the cost per step, so the best linear feedback is that of the Riccati equation
    (``lqr_gain``), and its return is the yardstick.
    """

    world_state = ("position", "velocity")
    dt = 0.1
    effort = 0.05
    bound = 4.0

    def __init__(self, num_envs: int, max_episode_length: int = 40, seed: int = 0) -> None:
        layout = ObsLayout({"position": (2,), "velocity": (2,)})
        super().__init__(num_envs, layout, 2, max_episode_length, seed=seed)

    def _restart(self, mask: torch.Tensor) -> None:
        self.write("position", mask, self.rand(2) * 2.0 - 1.0)
        self.write("velocity", mask, torch.zeros(self.num_envs, 2))

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        return torch.cat((self.position, self.velocity), dim=-1), {"observations": {}}

    def _advance(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        self.velocity = self.velocity + self.dt * 5.0 * actions
        self.position = self.position + self.dt * self.velocity
        squares = self.position.square().sum(-1)
        cost = squares + 0.1 * self.velocity.square().sum(-1) + self.effort * actions.square().sum(-1)
        failed = self.position.abs().amax(-1) > self.bound
        return -cost - 10.0 * failed, failed, {"distance_mse": squares.mean()}

    def lqr_gain(self, iterations: int = 500) -> torch.Tensor:
        """Feedback (2, 4) of the undiscounted infinite-horizon problem: ``actions = -gain @ obs``."""
        eye, dt = torch.eye(2), self.dt
        push = 5.0 * dt * eye
        a = torch.cat((torch.cat((eye, dt * eye), 1), torch.cat((0 * eye, eye), 1)))
        b = torch.cat((dt * push, push))
        # The cost is taken after the step: x' Q x with x = A x + B u.
        q = torch.diag(torch.tensor([1.0, 1.0, 0.1, 0.1]))
        p = q.clone()
        gain = torch.zeros(2, 4)
        for _ in range(iterations):
            gain = torch.linalg.solve(self.effort * eye + b.T @ p @ b, b.T @ p @ a)
            closed = a - b @ gain
            p = q + closed.T @ p @ closed + self.effort * gain.T @ gain
        return gain


class Recall(ToyEnv):
    """A sign is shown in the first step of an episode only and asked for in the last: nothing but memory helps.

    Only the last step is rewarded: ``1 - (action - sign)^2``. Without memory the best action there is 0 and the
    best expected return 0; with memory it is 1.
    """

    world_state = ("sign",)

    def __init__(self, num_envs: int, max_episode_length: int = 5, seed: int = 0) -> None:
        layout = ObsLayout({"cue": (1,), "time": (1,)})
        super().__init__(num_envs, layout, 1, max_episode_length, seed=seed)

    def _restart(self, mask: torch.Tensor) -> None:
        self.write("sign", mask, 2.0 * (self.rand(1) < 0.5) - 1.0)

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        time = self.episode_length_buf.unsqueeze(1).float() / self.max_episode_length
        return torch.cat((self.sign * (time == 0), time), dim=-1), {"observations": {}}

    def _advance(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        asked = self.episode_length_buf == self.max_episode_length - 1
        reward = asked * (1.0 - (actions - self.sign).square().squeeze(-1))
        # The end is part of the task, not a time limit: there is nothing to bootstrap from.
        return reward, asked, {}
