"""Rollouts as padded trajectories."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings, strategies as st

from st_rl.utils.padding import split_and_pad_trajectories, trajectory_starts, unpad, unpad_trajectories


def test_two_environments_by_hand() -> None:
    # Environment 0: steps 0 1 | 2 3; environment 1: 10 11 12 13 in one episode.
    rollout = torch.tensor([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0], [3.0, 13.0]]).unsqueeze(-1)
    dones = torch.tensor([[0, 0], [1, 0], [0, 0], [0, 1]])
    padded, masks = split_and_pad_trajectories(rollout, dones)
    assert padded[..., 0].T.tolist() == [[0.0, 1.0, 0.0, 0.0], [2.0, 3.0, 0.0, 0.0], [10.0, 11.0, 12.0, 13.0]]
    assert masks.T.tolist() == [[True, True, False, False], [True, True, False, False], [True] * 4]
    assert masks.dtype == torch.bool
    assert torch.equal(unpad(padded, masks), rollout)
    assert trajectory_starts(dones).tolist() == [[True, True], [False, False], [True, False], [False, False]]


@settings(max_examples=60)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**31), st.sampled_from([(), (2,), (1, 3)]))
def test_unpad_is_the_inverse(num_steps: int, num_envs: int, seed: int, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(seed)
    rollout = torch.randn(num_steps, num_envs, *shape, generator=generator)
    dones = torch.rand(num_steps, num_envs, 1, generator=generator) < 0.4
    padded, masks = split_and_pad_trajectories(rollout, dones)
    assert padded.shape == (num_steps, masks.shape[1], *shape)
    assert int(masks.sum()) == num_steps * num_envs
    assert torch.equal(unpad_trajectories(padded, masks), rollout)
    # Padding is at the end and zero; the first steps are listed in the order of the trajectories.
    assert bool((masks[:-1] >= masks[1:]).all()) and bool((padded[~masks] == 0).all())
    starts = trajectory_starts(dones).transpose(0, 1)
    assert torch.equal(padded[0], rollout.transpose(0, 1)[starts])


def test_the_gradient_of_unpad_reaches_data_and_no_padding() -> None:
    dones = torch.tensor([[0, 0], [1, 0], [0, 0]])
    padded, masks = split_and_pad_trajectories(torch.randn(3, 2, 4), dones)
    padded.requires_grad_(True)
    unpad_trajectories(padded, masks).sum().backward()
    assert torch.equal(padded.grad[..., 0], masks.float())  # type: ignore[index]


def test_masks_of_no_whole_rollout_are_refused() -> None:
    masks = torch.tensor([[True, True], [True, False]])
    with pytest.raises(ValueError, match="3 steps"):
        unpad_trajectories(torch.zeros(2, 2, 1), masks)
