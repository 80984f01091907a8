"""Convolutional networks for image segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from st_rl.modules.mlp import MlpModel
from st_rl.modules.utils import IntOrPair, activation_class, conv2d_output_shape
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.sharded import run_images

_NORM_LAYERS: dict[str, type[nn.Module]] = {
    "BatchNorm2d": nn.BatchNorm2d,
    "InstanceNorm2d": nn.InstanceNorm2d,
}


class Conv2dModel(nn.Module):
    """A stack of convolutions, each followed by optional normalization, a nonlinearity and optional max-pooling.

    With ``use_maxpool`` the convolutions have stride 1, and layers whose stride is above 1 are followed by a
    ``MaxPool2d`` with that kernel and stride.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        kernel_sizes: Sequence[IntOrPair],
        strides: Sequence[IntOrPair],
        paddings: Sequence[IntOrPair] | None = None,
        nonlinearity: type[nn.Module] | str = nn.ReLU,
        use_maxpool: bool = False,
        normlayer: type[nn.Module] | str | None = None,
    ) -> None:
        """One entry per layer; ``normlayer``: a class that takes the number of channels, or its name."""
        super().__init__()
        paddings = [0] * len(channels) if paddings is None else paddings
        if not len(channels) == len(kernel_sizes) == len(strides) == len(paddings):
            raise UserError(
                f"a convolution network needs as many channels ({len(channels)}) as kernel_sizes "
                f"({len(kernel_sizes)}), strides ({len(strides)}) and paddings ({len(paddings)})"
            )
        make_nonlinearity = activation_class(nonlinearity)
        make_norm = _norm_class(normlayer)
        layers: list[nn.Module] = []
        fan_in = in_channels
        for width, kernel, stride, padding in zip(channels, kernel_sizes, strides, paddings, strict=True):
            # JSON turns tuples into lists, which torch does not take.
            kernel, stride, padding = _as_size(kernel), _as_size(stride), _as_size(padding)
            layers.append(nn.Conv2d(fan_in, width, kernel, 1 if use_maxpool else stride, padding))
            if make_norm is not None:
                layers.append(make_norm(width))
            layers.append(make_nonlinearity())
            if use_maxpool and stride not in (1, (1, 1)):
                layers.append(nn.MaxPool2d(stride))
            fan_in = width
        self.conv = nn.Sequential(*layers)
        self.out_channels = fan_in
        self.by_itself = make_norm is None
        """Whether the output of an image does not depend on the other images."""

    def forward(self, input: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B, C', H', W')``."""
        return run_images(self.conv, input) if self.by_itself else self.conv(input)

    def conv_out_resolution(self, h: int, w: int) -> tuple[int, int]:
        """Height and width of the output for an ``h x w`` image."""
        for layer in self.conv:
            if isinstance(layer, nn.Conv2d):
                kernel, stride, padding = map(_as_size, (layer.kernel_size, layer.stride, layer.padding))
                h, w = conv2d_output_shape(h, w, kernel, stride, padding)
            elif isinstance(layer, nn.MaxPool2d):
                h, w = conv2d_output_shape(h, w, layer.kernel_size, layer.stride)
        return h, w

    def conv_out_size(self, h: int, w: int) -> int:
        """Number of features of the flattened output for an ``h x w`` image."""
        h, w = self.conv_out_resolution(h, w)
        return self.out_channels * h * w


class Conv2dHeadModel(nn.Module):
    """A ``Conv2dModel`` whose flattened output goes through an ``MlpModel`` head."""

    def __init__(
        self,
        image_shape: Sequence[int],
        channels: Sequence[int],
        kernel_sizes: Sequence[IntOrPair],
        strides: Sequence[IntOrPair],
        hidden_sizes: Sequence[int] | int | None = None,
        output_size: int | None = None,
        paddings: Sequence[IntOrPair] | None = None,
        nonlinearity: type[nn.Module] | str = nn.ReLU,
        use_maxpool: bool = False,
        normlayer: type[nn.Module] | str | None = None,
    ) -> None:
        """``image_shape (C, H, W)``, or ``(H, W)`` for one channel; without ``output_size`` the last hidden size."""
        super().__init__()
        self.image_shape = _image_shape(image_shape)
        channels_in, height, width = self.image_shape
        self.conv = Conv2dModel(
            channels_in, channels, kernel_sizes, strides, paddings, nonlinearity, use_maxpool, normlayer
        )
        conv_out_size = self.conv.conv_out_size(height, width)
        if min(self.conv.conv_out_resolution(height, width)) < 1:
            raise UserError(
                f"an image of {height} x {width} pixels is too small for kernel_sizes {list(kernel_sizes)} "
                f"with strides {list(strides)}; take fewer layers or smaller strides"
            )
        self.head = MlpModel(conv_out_size, hidden_sizes, output_size, nonlinearity)

    def forward(self, input: Tensor) -> Tensor:
        """Images ``(..., C, H, W)``, or flattened ``(..., C * H * W)``, to ``(..., output_size)``."""
        is_image = tuple(input.shape[-3:]) == self.image_shape
        lead = input.shape[:-3] if is_image else input.shape[:-1]
        features = self.conv(input.reshape(-1, *self.image_shape)).flatten(1)
        return self.head(features).reshape(*lead, self.head.output_size)

    @property
    def output_size(self) -> int:
        """Width of what ``forward`` returns."""
        return self.head.output_size


def _image_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    if len(shape) not in (2, 3):
        raise UserError(f"an image needs the shape (channels, height, width), not {list(shape)}")
    channels, height, width = (1, *shape) if len(shape) == 2 else shape
    return channels, height, width


def _norm_class(normlayer: type[nn.Module] | str | None) -> type[nn.Module] | None:
    if not isinstance(normlayer, str):
        return normlayer
    if normlayer not in _NORM_LAYERS:
        raise UnknownNameError("normalization layer", normlayer, sorted(_NORM_LAYERS))
    return _NORM_LAYERS[normlayer]


def _as_size(value: Any) -> IntOrPair:
    return value if isinstance(value, int) else (int(value[0]), int(value[1]))
