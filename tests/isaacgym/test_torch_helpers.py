"""torch_utils: the mathematics, TorchScript, and what the star import hands out."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from isaacgym import torch_utils as tu
from isaacgym.engine.frames import quat_from_rpy, quat_multiply, quat_to_matrix

NOT_OF_TENSORS = {"to_torch", "get_axis_params", "unscale_np"}
FUNCTIONS = {
    name: function
    for name, function in inspect.getmembers(tu, inspect.isfunction)
    if function.__module__ == tu.__name__ and name not in NOT_OF_TENSORS
}


def rotations(n: int = 64) -> torch.Tensor:
    return tu.normalize(torch.randn(n, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64))


def vectors(n: int = 64, seed: int = 1) -> torch.Tensor:
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def matrices(quats: torch.Tensor) -> torch.Tensor:
    return torch.stack([torch.as_tensor(quat_to_matrix(quat.numpy())) for quat in quats])


def arguments() -> dict[str, tuple]:
    q, v, n = rotations(), vectors(), torch.linspace(-9, 9, 64, dtype=torch.float64)
    pair = (q, v)
    return {
        "torch_rand_float": (-1.0, 2.0, (5, 3), "cpu"),
        "torch_random_dir_2": ((7, 1), "cpu"),
        "normalize": (v,),
        "normalize_angle": (n,),
        "copysign": (2.0, n),
        "tensor_clamp": (v, -v.abs() / 2, v.abs() / 2),
        "scale": (v, v - 1, v + 1),
        "unscale": (v, v - 1, v + 1),
        "quat_unit": (2 * q,),
        "quat_conjugate": (q,),
        "quat_mul": (q, q.flip(0)),
        "quat_rotate": pair,
        "quat_rotate_inverse": pair,
        "quat_apply": pair,
        "get_basis_vector": pair,
        "quat_from_angle_axis": (n, v),
        "get_euler_xyz": (q,),
        "quat_from_euler_xyz": (n, n + 1, n + 2),
        "tf_inverse": pair,
        "tf_apply": (q, v, vectors(seed=2)),
        "tf_vector": pair,
        "tf_combine": (q, v, q.flip(0), vectors(seed=2)),
    }


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_function_of_tensors_compiles_and_gives_the_same(name: str) -> None:
    args = arguments()[name]
    scripted = torch.jit.script(FUNCTIONS[name])
    torch.manual_seed(0)
    expected = FUNCTIONS[name](*args)
    torch.manual_seed(0)
    result = scripted(*args)
    for ours, theirs in zip(*((x if isinstance(x, tuple) else (x,)) for x in (result, expected)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_functions_of_callers_can_call_them() -> None:
    scope: dict = {}
    exec("from isaacgym.torch_utils import *", scope)
    heading = scope["torch"].jit.script(caller_heading)
    quats = tu.quat_from_euler_xyz(torch.zeros(3), torch.zeros(3), torch.tensor([0.0, 1.0, -2.0]))
    torch.testing.assert_close(heading(quats), torch.tensor([0.0, 1.0, -2.0]))


def caller_heading(q: torch.Tensor) -> torch.Tensor:
    forward = tu.quat_rotate(q, torch.tensor([[1.0, 0.0, 0.0]]).repeat(q.shape[0], 1))
    return tu.normalize_angle(torch.atan2(forward[:, 1], forward[:, 0]))


def test_the_star_import_hands_out_what_callers_use_without_importing_it() -> None:
    scope: dict = {}
    exec("from isaacgym.torch_utils import *", scope)
    assert scope["np"] is np and scope["torch"] is torch and scope["F"] is torch.nn.functional
    assert set(FUNCTIONS) | NOT_OF_TENSORS <= set(scope)


def test_rotations_agree_with_matrices() -> None:
    q, v = rotations(), vectors()
    expected = torch.einsum("nij,nj->ni", matrices(q), v)
    for function in (tu.quat_rotate, tu.quat_apply, tu.get_basis_vector, tu.tf_vector):
        torch.testing.assert_close(function(q, v), expected)
    torch.testing.assert_close(tu.quat_rotate_inverse(q, expected), v)
    torch.testing.assert_close(tu.quat_rotate(tu.quat_conjugate(q), expected), v)


def test_products_agree_with_numbers_and_with_matrices() -> None:
    a, b = rotations(), rotations().flip(0)
    expected = torch.stack([torch.as_tensor(quat_multiply(p.numpy(), q.numpy())) for p, q in zip(a, b, strict=True)])
    torch.testing.assert_close(tu.quat_mul(a, b), expected)
    torch.testing.assert_close(matrices(tu.quat_mul(a, b)), matrices(a) @ matrices(b))
    # A quarter turn about z after one about x takes y to z and leaves it there.
    x, z = (tu.quat_from_angle_axis(torch.tensor([math.pi / 2]), torch.eye(3)[[axis]]) for axis in (0, 2))
    torch.testing.assert_close(tu.quat_rotate(tu.quat_mul(z, x), torch.eye(3)[[1]]), torch.eye(3)[[2]])


def test_flattened_rotations_apply_to_points_in_their_shape() -> None:
    q, points = rotations(4), vectors(4 * 5).reshape(4, 5, 3)
    repeated = q.repeat(1, 5)  # (4, 20), as callers write it
    expected = torch.einsum("nij,nmj->nmi", matrices(q), points)
    torch.testing.assert_close(tu.quat_apply(repeated, points), expected)
    torch.testing.assert_close(tu.quat_apply(repeated.reshape(-1, 4), points), expected)
    torch.testing.assert_close(tu.quat_apply(q[:1], points[:, 0]), points[:, 0] @ matrices(q[:1])[0].T)


@given(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(-3.1, 3.1))
def test_euler_angles_come_back_between_zero_and_a_turn(roll: float, pitch: float, yaw: float) -> None:
    angles = torch.tensor([[roll], [pitch], [yaw]], dtype=torch.float64)
    quat = tu.quat_from_euler_xyz(*angles)
    np.testing.assert_allclose(quat[0].numpy(), quat_from_rpy((roll, pitch, yaw)), atol=1e-12)
    for angle, expected in zip(tu.get_euler_xyz(quat), angles, strict=True):
        assert 0.0 <= float(angle) <= 2 * math.pi
        assert math.cos(float(angle) - float(expected)) == pytest.approx(1.0, abs=1e-9)


def test_looking_straight_up_has_a_pitch_and_no_nan() -> None:
    quat = torch.tensor([[0.0, math.sqrt(0.5) * 1.0000001, 0.0, math.sqrt(0.5)]])
    assert float(tu.get_euler_xyz(quat)[1]) == pytest.approx(math.pi / 2, abs=1e-3)


def test_angle_and_axis_make_the_rotation_that_they_say() -> None:
    quat = tu.quat_from_angle_axis(torch.tensor([math.pi / 2]), torch.tensor([[0.0, 0.0, 3.0]]))
    torch.testing.assert_close(quat, torch.tensor([[0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)]]))
    many = tu.quat_from_angle_axis(torch.tensor([0.0, math.pi]), torch.tensor([1.0, 0.0, 0.0]))
    torch.testing.assert_close(many, torch.tensor([[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]), atol=1e-6, rtol=0)


def test_poses_undo_and_chain() -> None:
    q1, t1, q2, t2, points = rotations(), vectors(), rotations().flip(0), vectors(seed=2), vectors(seed=3)
    inverse = tu.tf_inverse(q1, t1)
    torch.testing.assert_close(tu.tf_apply(*inverse, tu.tf_apply(q1, t1, points)), points)
    chained = tu.tf_combine(q1, t1, q2, t2)
    torch.testing.assert_close(tu.tf_apply(*chained, points), tu.tf_apply(q1, t1, tu.tf_apply(q2, t2, points)))


def test_numbers_are_scaled_clamped_signed_and_wrapped() -> None:
    lower, upper = torch.tensor([0.0, -4.0]), torch.tensor([2.0, 4.0])
    torch.testing.assert_close(tu.scale(torch.tensor([-1.0, 0.5]), lower, upper), torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(tu.unscale(torch.tensor([0.0, 2.0]), lower, upper), torch.tensor([-1.0, 0.5]))
    assert tu.unscale_np(np.array([2.0]), 0.0, 4.0).tolist() == [0.0]
    assert tu.tensor_clamp(torch.tensor([-9.0, 9.0]), lower, upper).tolist() == [0.0, 4.0]
    assert tu.copysign(-2.0, torch.tensor([3.0, -0.5])).tolist() == [2.0, -2.0]
    torch.testing.assert_close(
        tu.normalize_angle(torch.tensor([3 * math.pi / 2, -7.0])), torch.tensor([-math.pi / 2, 2 * math.pi - 7])
    )
    torch.testing.assert_close(
        tu.normalize(torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0]])), torch.tensor([[0.6, 0.0, 0.8], [0.0, 0.0, 0.0]])
    )


def test_random_numbers_fill_their_range() -> None:
    torch.manual_seed(0)
    numbers = tu.torch_rand_float(-2.0, 6.0, (4000, 2), device="cpu")
    assert numbers.shape == (4000, 2) and numbers.min() >= -2 and numbers.max() < 6
    assert float(numbers.mean()) == pytest.approx(2.0, abs=0.15)
    directions = tu.torch_random_dir_2((4000, 1), "cpu")
    torch.testing.assert_close(directions.norm(dim=-1), torch.ones(4000))
    assert directions.mean(dim=0).abs().max() < 0.05
    assert tu.torch_rand_float(0.0, 1.0, (3, 1), device=torch.device("cpu")).shape == (3, 1)


def test_lists_and_arrays_become_tensors_on_a_device_that_is_there() -> None:
    tensor = tu.to_torch(tu.get_axis_params(-1.0, 2))
    assert tensor.tolist() == [0.0, 0.0, -1.0] and tensor.dtype == torch.float32
    assert tu.to_torch([1, 2], dtype=torch.long, device="cpu").dtype == torch.long
    assert tu.to_torch(np.zeros(2), device="cpu", requires_grad=True).requires_grad
    copied = tu.to_torch(tensor, device="cpu")
    assert copied.data_ptr() != tensor.data_ptr() or tensor.device.type != "cpu"
    assert tu.get_axis_params(2.0, 1, x_value=0.5, n_dims=4) == [0.5, 2.0, 0.0, 0.0]
