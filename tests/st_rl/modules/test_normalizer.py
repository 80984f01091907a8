"""Normalization by running statistics."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from st_rl.modules import EmpiricalNormalization, Normalize, Normalizer, RunningMeanStd

splits = st.lists(st.integers(1, 40), min_size=1, max_size=8)


def stream(sizes: list[int], seed: int, offset: float, scale: float) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal((size, 3)) * scale + offset).astype(np.float32) for size in sizes]


def assert_relative(actual: np.ndarray, expected: np.ndarray, spread: np.ndarray) -> None:
    np.testing.assert_array_less(np.abs(actual - expected), 1e-6 * (np.abs(expected) + spread) + 1e-30)


@settings(max_examples=60, deadline=None)
@given(splits, st.integers(0, 2**31), st.sampled_from([0.0, 1.0, -1e3, 1e5]), st.sampled_from([1e-2, 1.0, 50.0]))
def test_any_split_equals_numpy_on_the_concatenated_stream(
    sizes: list[int], seed: int, offset: float, scale: float
) -> None:
    batches = stream(sizes, seed, offset, scale)
    whole = np.concatenate(batches).astype(np.float64)
    normalizer, running = EmpiricalNormalization(3), RunningMeanStd(epsilon=0.0, shape=(3,))
    for batch in batches:
        normalizer.update(torch.from_numpy(batch))
        running.update(batch)
    assert int(normalizer.count) == len(whole) == running.count
    for mean, var in ((normalizer._mean.numpy(), normalizer._var.numpy()), (running.mean, running.var)):
        assert_relative(mean, whole.mean(0), whole.std(0))
        assert_relative(var, whole.var(0), np.zeros(3))


def test_forward_and_inverse_by_hand() -> None:
    normalizer = EmpiricalNormalization(2, eps=0.5)
    torch.testing.assert_close(normalizer(torch.tensor([[3.0, -3.0]])), torch.tensor([[2.0, -2.0]]))  # std 1 before
    normalizer.update(torch.tensor([[1.0, 0.0], [3.0, 0.0]]))
    assert normalizer.mean.tolist() == [2.0, 0.0]
    assert normalizer.std.tolist() == [1.0, 0.0] and normalizer.var.tolist() == [1.0, 0.0]
    x = torch.tensor([[5.0, 1.0]])
    torch.testing.assert_close(normalizer(x), torch.tensor([[2.0, 2.0]]))
    torch.testing.assert_close(normalizer.inverse(normalizer(x)), x)
    assert normalizer(x).dtype == torch.float32


def test_it_takes_images_and_leading_dimensions() -> None:
    normalizer = EmpiricalNormalization((2, 3))
    x = torch.randn(4, 5, 2, 3)
    normalizer.update(x)
    assert int(normalizer.count) == 20 and normalizer(x).shape == x.shape
    torch.testing.assert_close(normalizer.mean, x.mean((0, 1)))


def test_it_learns_in_training_mode_only_and_forward_never_learns() -> None:
    normalizer = EmpiricalNormalization(1).eval()
    normalizer.update(torch.ones(3, 1))
    normalizer.train()
    normalizer(torch.ones(3, 1))
    assert int(normalizer.count) == 0


def test_it_freezes_after_until_samples() -> None:
    normalizer = EmpiricalNormalization(1, until=4)
    normalizer.update(torch.zeros(2, 1))
    normalizer.update(torch.ones(2, 1))
    frozen = normalizer.mean.clone(), normalizer.std.clone()
    for _ in range(3):
        normalizer.update(torch.full((10, 1), 100.0))
    assert int(normalizer.count) == 4
    assert (normalizer.mean, normalizer.std) == frozen == (torch.tensor([0.5]), torch.tensor([0.5]))
    never = EmpiricalNormalization(1, until=0)
    never.update(torch.ones(2, 1))
    assert never.mean.tolist() == [0.0] and never.std.tolist() == [1.0]


def test_saved_and_loaded_it_continues_as_if_nothing_had_happened() -> None:
    first, batches = EmpiricalNormalization(3), stream([5, 6, 7], 0, 2.0, 3.0)
    first.update(torch.from_numpy(batches[0]))
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    second = EmpiricalNormalization(3)
    second.load_state_dict(torch.load(buffer, weights_only=True))
    for batch in batches[1:]:
        first.update(torch.from_numpy(batch))
        second.update(torch.from_numpy(batch))
    assert torch.equal(first._mean, second._mean) and torch.equal(first._var, second._var)


def test_normalize_gives_unit_length() -> None:
    out = Normalize()(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(out, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_running_mean_std_merges_moments_by_hand() -> None:
    running = RunningMeanStd(epsilon=0.0, shape=())
    running.update_from_moments(0.0, 1.0, 2)
    running.update_from_moments(3.0, 4.0, 4)
    # mean (2 0 + 4 3) / 6 = 2; second moment (2 (1 + 0) + 4 (4 + 9)) / 6 = 9; variance 9 - 4 = 5
    assert running.mean == pytest.approx(2.0) and running.var == pytest.approx(5.0) and running.count == 6
    running.update(np.zeros((0,)))
    assert running.count == 6


def test_a_fresh_running_mean_std_weighs_its_start_by_epsilon() -> None:
    running = RunningMeanStd(epsilon=1.0, shape=(1,))
    running.update(np.array([[2.0]]))
    assert running.mean.tolist() == [1.0] and running.var.tolist() == [1.5]


def test_normalizer_clips_and_agrees_between_numpy_and_torch() -> None:
    normalizer = Normalizer(2, epsilon=1e-4, clip_obs=1.5)
    data = torch.tensor([[0.0, 10.0], [2.0, 30.0], [4.0, 1000.0]])
    out = normalizer.normalize_torch(data, "cpu")
    assert normalizer.mean == pytest.approx([2.0, 346.6666], rel=1e-3)
    np.testing.assert_allclose(out.numpy(), normalizer.normalize(data.numpy()), rtol=1e-5, atol=1e-6)
    far = normalizer.normalize(np.array([[1e6, -1e6]]))
    assert far.tolist() == [[1.5, -1.5]]


def test_normalizer_learns_from_policy_and_expert_pair_by_pair() -> None:
    normalizer = Normalizer(1, epsilon=0.0)
    policy = [torch.full((2, 1), 1.0), (torch.full((2, 1), 1.0), torch.full((2, 1), 1.0))]
    expert = [np.full((2, 1), 3.0), np.full((4, 1), 3.0), np.full((100, 1), 7.0)]
    normalizer.update_normalizer(policy, expert)
    assert normalizer.count == 12 and normalizer.mean.tolist() == [2.0] and normalizer.var.tolist() == [1.0]
    twin = Normalizer(1)
    twin.load_state_dict(normalizer.state_dict())
    assert twin.count == 12 and twin.mean.tolist() == [2.0]
