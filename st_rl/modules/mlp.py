"""The multilayer perceptron of which policies, critics, encoders and estimators are made."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from st_rl.modules.utils import activation_class, as_sizes
from st_rl.utils.layers import run_layers


class MlpModel(nn.Module):
    """Linear layers with a nonlinearity between them.

    With ``output_size`` the last layer is linear; without it the model ends with the nonlinearity of the last hidden
    layer (a feature encoder).
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int] | int | None,
        output_size: int | None = None,
        nonlinearity: type[nn.Module] | str = nn.ReLU,
    ) -> None:
        """``hidden_sizes``: widths, one width, or ``None`` for no hidden layer; ``nonlinearity``: class or its name.

        With neither hidden layers nor ``output_size`` the model is the identity.
        """
        super().__init__()
        make_nonlinearity = activation_class(nonlinearity)
        widths = [int(input_size), *as_sizes(hidden_sizes)]
        layers: list[nn.Module] = []
        for fan_in, fan_out in itertools.pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), make_nonlinearity()]
        if output_size is not None:
            layers.append(nn.Linear(widths[-1], output_size))
        self.model = nn.Sequential(*layers)
        self._output_size = widths[-1] if output_size is None else int(output_size)

    def forward(self, input: Tensor) -> Tensor:
        """``(..., input_size)`` -> ``(..., output_size)``."""
        return run_layers(self.model, input)

    @property
    def output_size(self) -> int:
        """Width of what ``forward`` returns."""
        return self._output_size
