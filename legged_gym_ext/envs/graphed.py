"""The terms of a control step as two CUDA graphs around the simulator's own: ``GraphedEnv``.

A graph is bound to addresses, while terms put new tensors in place of old ones from step to step. So before a replay
every tensor that the environment carries over is brought to the place that it had when the graph was recorded, and the
recording itself ends by moving what the step has made to where the next step looks for it. See ``Carried``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.envs.cfg import EnvCfg
from legged_gym_ext.envs.legged_env import LeggedEnv
from legged_gym_ext.envs.recording import StepRecorder
from legged_gym_ext.sim.interface import Simulator
from legged_gym_ext.sim.where import Where
from st_rl.utils.errors import UserError
from st_rl.utils.recording import CudaRecording, Recording

Slot = tuple[Any, Any]
"""Where a tensor is kept: a dictionary and a key of it, or a list and an index."""


class Carried:
    """Every tensor that an environment keeps from step to step, and the place it must be at when a graph begins.

    The simulator is left out: its tensors never move.
    """

    def __init__(self, root: Any) -> None:
        self._root = root
        self._home: list[tuple[Slot, Tensor]] = []
        for slot in _slots(root):
            tensor = _get(slot)
            if any(step == 0 and size > 1 for step, size in zip(tensor.stride(), tensor.shape, strict=True)):
                # Several entries of an expanded tensor are one, so it could not be written to.
                tensor = slot[0][slot[1]] = tensor.clone()
            self._home.append((slot, tensor))
        self._plain = _plain_values(root)

    def settle(self) -> None:
        """Bring every tensor home: contents into the tensor that was there at first, and that one back to its slot."""
        moved = [(slot, home, _get(slot)) for slot, home in self._home if _get(slot) is not home]
        # Two tensors may have changed places, so contents are read before any is overwritten.
        contents = [current.clone() for _, _, current in moved]
        for (slot, home, current), content in zip(moved, contents, strict=True):
            if current.shape != home.shape or current.dtype != home.dtype:
                raise UserError(f"'{slot[1]}' changes its size from step to step, so the step cannot be recorded")
            home.copy_(content)
            slot[0][slot[1]] = home

    def check(self) -> None:
        """``UserError`` where a step changes plain Python values, which a graph would not."""
        changed = [name for name, value in _plain_values(self._root).items() if self._plain.get(name, value) != value]
        if changed:
            raise UserError(f"'{changed[0]}' is changed by a step in Python, so the step cannot be recorded")


class GraphedEnv(LeggedEnv):
    """A ``LeggedEnv`` whose steps are replayed from the fourth on; what ``step`` returns is the caller's to keep."""

    def __init__(
        self,
        cfg: EnvCfg,
        where: Where = Where("warp", "cuda"),
        *,
        seed: int = 0,
        recording: Callable[[torch.Generator], Recording] = CudaRecording,
    ) -> None:
        """``recording`` makes the graphs. Raises ``UserError`` as ``LeggedEnv`` does, and on the CPU."""
        super().__init__(cfg, where, seed=seed)
        if recording is CudaRecording and self.device.type != "cuda":
            raise UserError(f"a step is recorded on a GPU only, not on '{where.device}'; use --device cuda")
        self._make_recording = recording
        self._warm_up = 2
        """Steps until the kernels are loaded and the simulator's own graphs recorded."""
        self._graphs: _StepGraphs | None = None

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor, Tensor, dict[str, Any]]:
        """See ``VecEnv.step``."""
        if self._warm_up > 0:
            self._warm_up -= 1
            return super().step(actions)
        if self._graphs is None:
            self._graphs = _StepGraphs(self, self._make_recording)
        return self._graphs.step(actions)

    def record(self, *recorders: StepRecorder) -> None:
        """Raise ``UserError``: what is replayed on the device tells nobody what happens."""
        raise UserError("steps that are replayed as CUDA graphs cannot be recorded; add --no-graphed")

    def get_observations(self) -> tuple[Tensor, dict[str, Any]]:
        """See ``VecEnv``; copies, as the tensors themselves are written to by the next step."""
        obs, extras = super().get_observations()
        return obs.clone(), {"observations": {"critic": extras["observations"]["critic"].clone()}}

    def close(self) -> None:
        """Release the simulator and the graphs."""
        self._graphs = None
        super().close()


class _StepGraphs:
    """The two recordings of a step: before and after the simulator's."""

    def __init__(self, env: GraphedEnv, make: Callable[[torch.Generator], Recording]) -> None:
        # The caller may still hold what the last step returned.
        env._obs, env._critic_obs = env._obs.clone(), env._critic_obs.clone()
        self._env, self._carried = env, Carried(env)
        self._before, self._after = make(env.generator), make(env.generator)
        self._recorded = False
        self._actions = torch.zeros(env.num_envs, env.num_actions, device=env.device)
        self._targets = self._actions
        self._answer: tuple[Tensor, Tensor, Tensor, dict[str, Any]] | None = None

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor, Tensor, dict[str, Any]]:
        """See ``VecEnv.step``."""
        # A reset or a restored state may have replaced tensors since the last step.
        self._carried.settle()
        self._actions.copy_(actions)
        self._run(self._before, self._take_actions)
        self._env.sim.step(self._targets)
        self._run(self._after, self._evaluate)
        if not self._recorded:
            self._recorded = True
            self._carried.check()
        assert self._answer is not None
        obs, rewards, dones, infos = self._answer
        kept = {"time_outs": infos["time_outs"].clone(), "log": {k: v.clone() for k, v in infos["log"].items()}}
        kept["observations"] = {name: value.clone() for name, value in infos["observations"].items()}
        if "final_observation" in infos:
            kept["final_observation"] = {name: value.clone() for name, value in infos["final_observation"].items()}
        return obs.clone(), rewards.clone(), dones.clone(), kept

    def _run(self, recording: Recording, work: Callable[[], None]) -> None:
        if self._recorded:
            recording.replay()
        else:
            recording.record(work)

    def _take_actions(self) -> None:
        self._targets = self._env._before_physics(self._actions)
        self._carried.settle()

    def _evaluate(self) -> None:
        self._answer = self._env._after_physics()
        self._carried.settle()


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _get(slot: Slot) -> Any:
    return slot[0][slot[1]]


def _containers(root: Any) -> Iterator[tuple[str, Any]]:
    """Every dictionary and list below ``root`` whose entries may be replaced, once each, with its path.

    Objects of this suite count as their dictionary of attributes.
    """
    pending, seen = [("", root)], set()
    while pending:
        path, value = pending.pop()
        if id(value) in seen or isinstance(value, Simulator | _StepGraphs | Tensor | type):
            continue
        seen.add(id(value))
        if not isinstance(value, MutableMapping | MutableSequence):
            if not type(value).__module__.startswith(__name__.split(".", 1)[0]):
                continue
            value = vars(value)
        yield path, value
        entries = value.items() if isinstance(value, MutableMapping) else enumerate(value)
        pending += [(f"{path}.{key}", value[key]) for key, _ in list(entries)]


def _slots(root: Any) -> list[Slot]:
    return [
        (container, key)
        for _, container in _containers(root)
        for key in (list(container) if isinstance(container, MutableMapping) else range(len(container)))
        if _is_tensor(container[key])
    ]


def _plain_values(root: Any) -> dict[str, Any]:
    """Numbers, truth values and texts below ``root``, by their paths."""
    return {
        f"{path}.{key}": container[key]
        for path, container in _containers(root)
        for key in (list(container) if isinstance(container, MutableMapping) else range(len(container)))
        if isinstance(container[key], bool | int | float | str)
    }
