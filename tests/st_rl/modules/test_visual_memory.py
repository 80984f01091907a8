"""A memory that steps when a new image arrives, and estimates of what only the critic observes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from st_rl.modules import VisualPrivilegeStateAc, visual_memory
from st_rl.modules.state_estimator import Targets
from st_rl.modules.utils import MissingDefinitionError
from st_rl.utils.errors import UnknownNameError
from st_rl.utils.obs_layout import ObsLayout

SEEN = ObsLayout({"onboard": (3,), "forward_depth": (1, 6, 8), "image_age": (1,)})
TOLD = ObsLayout({"onboard": (3,), "block": (4,), "velocity": (2,)})
ARGUMENTS: dict[str, Any] = {
    "actor_hidden_dims": [8],
    "critic_hidden_dims": [8],
    "visual_kwargs": {"channels": [2], "kernel_sizes": [3], "strides": [2]},
    "visual_latent_size": 4,
    "memory_components": ["onboard"],
    "memory_hidden_size": 5,
    "adaptor_obs_components": ["forward_depth", "image_age"],
    "adaptor_target_components": ["block"],
    "adaptor_classes": {"block": (1, 4)},
    "estimator_obs_components": ["onboard"],
    "estimator_target_components": ["velocity"],
}


def build(**changes: Any) -> VisualPrivilegeStateAc:
    torch.manual_seed(0)
    return VisualPrivilegeStateAc(
        SEEN.size, TOLD.size, 2, obs_segments=SEEN, critic_obs_segments=TOLD, **ARGUMENTS | changes
    )


def observation(ages: list[float], seed: int = 0) -> torch.Tensor:
    obs = torch.rand(len(ages), SEEN.size, generator=torch.Generator().manual_seed(seed))
    obs[:, -1] = torch.tensor(ages)
    return obs


def held(policy: VisualPrivilegeStateAc) -> torch.Tensor:
    memory, _ = policy.memory_v.hidden_states  # type: ignore[misc]
    return memory[0]


def test_the_memory_steps_where_the_image_has_become_younger_and_only_there() -> None:
    policy = build()
    policy.act(observation([0.10, 0.12], seed=1))
    before = held(policy)
    policy.act(observation([0.12, 0.08], seed=2))
    after = held(policy)
    assert torch.equal(after[0], before[0]) and not torch.equal(after[1], before[1])
    # An episode that begins sees its first image, however old.
    policy.reset(torch.tensor([True, False]))
    policy.act(observation([0.30, 0.10], seed=3))
    assert not torch.equal(held(policy)[0], after[0]) and torch.equal(held(policy)[1], after[1])


def test_only_new_images_are_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    policy, seen = build(), []
    encode = policy.encode
    monkeypatch.setattr(policy, "encode", lambda images: seen.append(len(images)) or encode(images))
    policy.act(observation([0.1, 0.1, 0.1]))
    policy.act(observation([0.12, 0.12, 0.05]))
    policy.act(observation([0.14, 0.14, 0.07]))
    assert seen == [3, 1]


def test_a_step_of_all_worlds_equals_one_of_the_rows_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, whole = build(), build()
    for step, ages in enumerate(([0.1, 0.1, 0.1], [0.12, 0.02, 0.12], [0.14, 0.04, 0.01])):
        obs = observation(ages, seed=step)
        expected = rows.act(obs)
        with monkeypatch.context() as patched:
            # As an exporter, or a GPU, does it.
            patched.setattr(visual_memory, "_is_traced", lambda: True)
            torch.testing.assert_close(whole.act(obs), expected)


def test_a_row_of_images_is_remembered_as_step_by_step() -> None:
    policy = build()
    images, beside = torch.rand(3, 2, 48), torch.rand(3, 2, 3)
    first = torch.tensor([[False, False], [False, True], [False, False]])
    remembered, last = policy.remember(policy.encode(images), beside, first, torch.zeros(1, 2, 5))
    assert isinstance(last, torch.Tensor) and torch.equal(remembered[-1], last[0])
    for step in range(3):
        obs = torch.cat((beside[step], images[step], torch.full((2, 1), 0.1)), dim=-1)
        if step:
            policy.reset(first[step])
            obs[:, -1] = 0.05 - 0.01 * step
        policy.act(obs)
        torch.testing.assert_close(held(policy), remembered[step])


def test_what_only_the_critic_observes_is_estimated_and_stands_behind_the_observation() -> None:
    policy = build()
    assert policy.actor.fc[0].in_features == 3 + 5 + 1 + 4 + 2
    layout = policy.input_layouts(SEEN, TOLD)["actor.fc.0.weight"]
    assert layout.names == ("onboard", "forward_depth", "image_age", "block", "velocity")
    policy.act(observation([0.1, 0.2]))
    found = policy.state_predictions()
    block = found["adaptor"].prediction
    assert block.shape == (2, 4) and found["adaptor"].classes == (slice(1, 4),)
    torch.testing.assert_close(block[:, 1:].sum(dim=1), torch.ones(2))
    assert found["estimator"].components == ("velocity",)


@pytest.mark.parametrize("gradient", [False, True])
def test_actions_teach_the_estimates_if_asked_to(gradient: bool) -> None:
    policy = build(adaptor_gradient=gradient)
    torch.nn.init.normal_(policy.actor.mean.weight)
    policy.act(observation([0.1, 0.2])).square().sum().backward()
    assert (policy.adaptor.model[0].weight.grad is not None) == gradient


def test_mistakes_are_named() -> None:
    with pytest.raises(UnknownNameError, match="no_such"):
        build(adaptor_target_components=["no_such"], adaptor_classes={})
    with pytest.raises(UnknownNameError, match="classes 'velocity'"):
        build(adaptor_classes={"velocity": (0, 2)})
    with pytest.raises(MissingDefinitionError, match="one number"):
        build(visual_age_name="onboard")
    with pytest.raises(UnknownNameError, match="nowhere"):
        Targets.of(SEEN, None, ("nowhere",), None, False)
