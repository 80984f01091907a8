"""MLPs, convolutions and the helpers that build them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from torch import nn

from st_rl.modules import Conv2dHeadModel, Conv2dModel, MlpModel, conv2d_output_shape, get_activation_Cls
from st_rl.utils.errors import UnknownNameError, UserError


def test_activations_are_found_by_name_in_any_case_and_by_alias() -> None:
    expected = {"relu": nn.ReLU, "ReLU": nn.ReLU, "crelu": nn.ReLU, "lrelu": nn.LeakyReLU, "tanh": nn.Tanh}
    expected |= {"elu": nn.ELU, "SELU": nn.SELU, "sigmoid": nn.Sigmoid, "CELU": nn.CELU, "silu": nn.SiLU}
    assert {name: get_activation_Cls(name) for name in expected} == expected


def test_an_invalid_activation_warns_and_is_none_but_no_network_is_built_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert get_activation_Cls("no_such") is None
    assert "no_such" in caplog.text
    with pytest.raises(UnknownNameError, match="elu"):
        MlpModel(2, [3], 1, nonlinearity="no_such")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"kernel_size": 3, "stride": 2, "padding": 1}, (32, 32)),
        ({"kernel_size": (3, 5), "stride": (1, 2)}, (62, 30)),
        ({"kernel_size": 3, "dilation": 2, "padding": (0, 2)}, (60, 64)),
        ({}, (64, 64)),
    ],
)
def test_conv2d_output_shape_is_that_of_torch(arguments: dict[str, Any], expected: tuple[int, int]) -> None:
    assert conv2d_output_shape(64, 64, **arguments) == expected
    layer = nn.Conv2d(1, 1, **{"kernel_size": 1, **arguments})
    assert tuple(layer(torch.zeros(1, 1, 64, 64)).shape[2:]) == expected


def layer_types(model: MlpModel) -> list[str]:
    return [type(layer).__name__ for layer in model.model]


def test_an_mlp_ends_linear_with_an_output_size_and_nonlinear_without() -> None:
    assert layer_types(MlpModel(4, [8, 6], 2)) == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    encoder = MlpModel(4, [8, 6], nonlinearity="ELU")
    assert layer_types(encoder) == ["Linear", "ELU", "Linear", "ELU"]
    assert encoder.output_size == 6 and encoder(torch.zeros(3, 4)).shape == (3, 6)
    assert layer_types(MlpModel(4, None, 2)) == layer_types(MlpModel(4, [], 2)) == ["Linear"]
    assert layer_types(MlpModel(4, 5, 2, nonlinearity=nn.Tanh)) == ["Linear", "Tanh", "Linear"]
    identity = MlpModel(4, None)
    assert identity.output_size == 4 and torch.equal(identity(torch.ones(2, 4)), torch.ones(2, 4))


CONV: dict[str, Any] = {"channels": [4, 6], "kernel_sizes": [3, [3, 5]], "strides": [2, 1], "paddings": [1, 0]}


@pytest.mark.parametrize("use_maxpool", [False, True])
@pytest.mark.parametrize("normlayer", [None, "BatchNorm2d", nn.BatchNorm2d])
def test_the_announced_resolution_is_the_real_one(use_maxpool: bool, normlayer: Any) -> None:
    model = Conv2dModel(2, **CONV, nonlinearity="LeakyReLU", use_maxpool=use_maxpool, normlayer=normlayer)
    out = model(torch.randn(3, 2, 13, 16))
    assert tuple(out.shape[2:]) == model.conv_out_resolution(13, 16)
    assert out[0].numel() == model.conv_out_size(13, 16)
    kinds = [type(layer).__name__ for layer in model.conv]
    assert kinds.count("MaxPool2d") == (1 if use_maxpool else 0)
    assert kinds.count("BatchNorm2d") == (0 if normlayer is None else 2)
    strides = [layer.stride for layer in model.conv if isinstance(layer, nn.Conv2d)]
    assert strides == ([(1, 1), (1, 1)] if use_maxpool else [(2, 2), (1, 1)])


def test_the_head_takes_images_and_flat_segments_with_any_leading_dimensions() -> None:
    model = Conv2dHeadModel((2, 9, 12), **CONV, hidden_sizes=[16], output_size=5)
    images = torch.randn(4, 3, 2, 9, 12)
    out = model(images)
    assert out.shape == (4, 3, 5) and model.output_size == 5
    torch.testing.assert_close(model(images.flatten(2)), out)
    torch.testing.assert_close(model(images[0, 0].flatten()), out[0, 0])
    assert Conv2dHeadModel((2, 9, 12), **CONV, hidden_sizes=[16, 7]).output_size == 7
    one_channel = Conv2dHeadModel((9, 12), **CONV, output_size=3)
    assert one_channel(torch.zeros(2, 108)).shape == (2, 3)


def test_impossible_convolutions_are_refused() -> None:
    with pytest.raises(UserError, match="kernel_sizes"):
        Conv2dModel(1, [4, 4], [3], [1, 1])
    with pytest.raises(UserError, match="too small"):
        Conv2dHeadModel((1, 4, 4), [4, 4], [3, 5], [1, 1])
    with pytest.raises(UserError, match="channels, height, width"):
        Conv2dHeadModel((4,), [4], [3], [1])
    with pytest.raises(UnknownNameError, match="BatchNorm2d"):
        Conv2dModel(1, [4], [3], [1], normlayer="LayerNorm7d")
