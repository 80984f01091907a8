"""A trained policy that shows another what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from st_rl.modules.actor_critic_field_mutex import ActorCriticFieldMutex
from st_rl.modules.actor_critic_mutex import load_sub_policy
from st_rl.modules.actor_critic_recurrent import Memory
from st_rl.modules.registry import get_policy_class
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.policy_interface import Conversion, PolicyInterface
from st_rl.utils.run_folder import config_layout, read_config


class Teacher:
    """A frozen policy, and which part of the student's observations it reads.

    It takes its segments by name from the critic's observation or, where that lacks one, from the
    actor's (``source="actor"``: in the other order).
    """

    def __init__(
        self,
        policy: Any,
        student: Any,
        normalizer: nn.Module | None = None,
        source: str = "critic",
        conversion: Conversion | None = None,
    ) -> None:
        """``conversion``: from the environment's numbers to the teacher's and back; ``None`` where they are the same.

        ``UserError`` where neither observation of ``student`` has the teacher's segments.
        """
        if policy.obs_segments is None:
            raise UserError("the teacher does not say what it observes; build it with obs_segments")
        self.policy = policy.requires_grad_(False).eval()
        self.normalizer = (nn.Identity() if normalizer is None else normalizer).requires_grad_(False).eval()
        self.conversion = Conversion() if conversion is None else conversion
        self.layout: ObsLayout = policy.obs_segments
        self.reads_critic, self.source_layout = find_source(self.layout, student, source)

    def observe(self, obs: torch.Tensor, critic_obs: torch.Tensor | None) -> torch.Tensor:
        """What it reads, normalized as in its training, of raw observations ``(N, D)``: ``(N, D_teacher)``."""
        seen = critic_obs if self.reads_critic and critic_obs is not None else obs
        if self.layout != self.source_layout:
            seen = self.source_layout.select(seen, self.layout.names)
        return self.normalizer(self.conversion.observation(seen))

    def act(self, seen: torch.Tensor) -> torch.Tensor:
        """Mean actions ``(N, A)`` in the environment's units for what ``observe`` returned; a memory moves one step
        on."""
        return self.conversion.action(self.policy.act_inference(seen))

    def latent(self, seen: torch.Tensor, component: str) -> torch.Tensor:
        """Latent ``(N, L)`` of one of its encoded segments, for what ``observe`` returned."""
        return self.policy.get_encoder_latent(seen, component)

    def reset(self, dones: torch.Tensor | None = None) -> None:
        """Forget the worlds in ``dones (N,)``, or all."""
        self.policy.reset(dones)

    def to(self, device: torch.device) -> Teacher:
        """Move it to ``device``; returns itself."""
        self.policy.to(device)
        self.normalizer.to(device)
        self.conversion.to(device)
        return self

    def _memories(self) -> list[Memory]:
        return [module for module in self.policy.modules() if isinstance(module, Memory)]

    def memory_state(self) -> list[list[torch.Tensor]]:
        """What its memories, and last a mutex, know of the worlds, copied; an empty list for one that has not run."""
        states = [[state.clone() for state in memory.flat_state()] for memory in self._memories()]
        return [*states, self.policy.world_state()] if isinstance(self.policy, ActorCriticFieldMutex) else states

    def load_memory_state(self, states: Sequence[Sequence[torch.Tensor]]) -> None:
        """Restore what ``memory_state`` returned; ``ValueError`` where the teacher has other memories."""
        if isinstance(self.policy, ActorCriticFieldMutex):
            *states, of_mutex = states
            self.policy.set_world_state([tensor.clone() for tensor in of_mutex])
        for memory, state in zip(self._memories(), states, strict=True):
            if state:
                memory.set_flat_state([tensor.clone() for tensor in state])


def find_source(layout: ObsLayout, student: Any, source: str) -> tuple[bool, ObsLayout]:
    """Whether segments like those of ``layout`` are read from the critic's observation; and its layout.

    Raises:
        UserError: neither observation has them all.
    """
    choices = [(True, student.critic_obs_segments), (False, student.obs_segments)]
    if source == "actor":
        choices.reverse()
    for is_critic, candidate in choices:
        if candidate is not None and all(name in candidate and candidate[name] == layout[name] for name in layout):
            return is_critic, candidate
    known = student.critic_obs_segments or student.obs_segments
    if known is None:
        raise UserError("the student does not say what it observes; build it with obs_segments")
    raise UserError(
        "the environment does not observe what the teacher reads "
        f"({known.difference(layout, 'the environment', 'the teacher')}); choose a teacher trained on this task"
    )


def teacher_from_run(folder: str | Path, student: Any, source: str = "critic") -> Teacher:
    """The policy of a run at its newest checkpoint; ``UserError`` names the folder where it does not fit."""
    layout = config_layout(read_config(folder), "obs_segments", folder)
    reads_critic, known = find_source(layout, student, source)
    interface = env_interface(student, known, critic=reads_critic)
    loaded = load_sub_policy(folder, known, student.num_actions, "ActorCritic", interface)
    return Teacher(loaded.policy, student, loaded.normalizer, source, loaded.conversion)


def env_interface(student: Any, layout: ObsLayout, *, critic: bool) -> PolicyInterface | None:
    """What the numbers of the observation of ``layout`` mean that ``student``, or its ``critic``, sees."""
    settings = student.env_settings
    if settings is None:
        return None
    return PolicyInterface.from_settings(settings, layout, student.num_actions, "the environment", critic=critic)


def teacher_from_config(config: Mapping[str, Any], student: Any, source: str = "critic") -> Teacher:
    """A policy made of run folders, such as a mutex: ``class_name`` and the arguments of its constructor.

    It observes what the student's critic does (``source="actor"``: what its actor does), and acts in the student's
    action scale where the arguments name no other.
    """
    arguments = dict(config)
    critic = source == "critic"
    layout = student.critic_obs_segments if critic else student.obs_segments
    if layout is None or "class_name" not in arguments:
        raise UserError("teacher_policy needs a class_name, and a student that was built with obs_segments")
    make: Any = get_policy_class(arguments.pop("class_name"))
    interface = env_interface(student, layout, critic=critic)
    if interface is not None:
        scale = {} if interface.action_scale is None else {"env_action_scale": interface.action_scale}
        arguments = scale | {"env_interface": interface} | arguments
    policy = make(
        layout.size,
        layout.size,
        student.num_actions,
        obs_segments=layout,
        critic_obs_segments=layout,
        **arguments,
    )
    return Teacher(policy, student, source=source)
