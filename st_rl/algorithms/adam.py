"""torch's Adam without torch's compiler.

The methods of torch's optimizers load the compiler (``torch._dynamo``) at their first call, to tell it to leave them
alone. That takes 70 MiB of memory and a second of every start, and nothing here is compiled by it.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

_WRAPPED = torch.optim.Adam


class Adam(_WRAPPED):
    """``torch.optim.Adam``, whose methods are called as they are below what torch has wrapped them in.

    State and checkpoints are those of ``torch.optim.Adam``. ``differentiable`` makes no difference here.
    """

    add_param_group = inspect.unwrap(_WRAPPED.add_param_group)
    zero_grad = inspect.unwrap(_WRAPPED.zero_grad)
    state_dict = inspect.unwrap(_WRAPPED.state_dict)
    load_state_dict = inspect.unwrap(_WRAPPED.load_state_dict)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; ``closure``, if given, is called before to compute the gradients, and its result returned."""
        return _step(self, closure)


_step = inspect.unwrap(_WRAPPED.step)
