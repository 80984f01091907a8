"""Finds what would make the host wait for a GPU, on a machine that has none.

Two nets: torch's functions by name (``.item()``, ``.cpu()``, ``bool(tensor)``, ``torch.tensor(...)`` ...) and torch's
operators below them (reading a scalar, ``nonzero``, indexing with a mask ...). Making a tensor from Python numbers
counts too: on a GPU it is a copy from pageable memory, for which the host waits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

ROOT = Path(__file__).parents[3]
_TO_HOST = {"item", "tolist", "cpu", "numpy", "__bool__", "__int__", "__float__", "__index__", "__array__"}
_FROM_HOST = {"tensor", "as_tensor", "from_numpy", "scalar_tensor"}
_OPERATORS = {
    "aten::_local_scalar_dense",
    "aten::nonzero",
    "aten::masked_select",
    "aten::equal",
    "aten::is_nonzero",
    "aten::_unique2",
    "aten::unique_dim",
    "aten::unique_consecutive",
    "aten::repeat_interleave",
}
_INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}


class HostSyncs:
    """Within ``with``: every operation that waits for the device or copies to or from it is noted in ``found``.

    Files whose names end in one of ``ignoring`` may do as they like, and whatever they call.
    """

    def __init__(self, ignoring: Iterable[str] = ()) -> None:
        self.found: list[str] = []
        self._ignoring = tuple(ignoring)
        self._modes = (_Functions(self.note), _Operators(self.note))

    def __enter__(self) -> HostSyncs:
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*error)

    def note(self, what: str) -> None:
        """Remember ``what`` with the line of the repository that asked for it."""
        line = None
        frame = sys._getframe(2)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.endswith(self._ignoring):
                return
            if line is None and name.startswith(str(ROOT)) and "site-packages" not in name and name != __file__:
                line = f"{Path(name).relative_to(ROOT)}:{frame.f_lineno}"
            frame = frame.f_back
        self.found.append(f"{what} at {line}")


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


class _Functions(TorchFunctionMode):
    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self._note = note

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _TO_HOST and args and isinstance(args[0], Tensor):
            self._note(f"Tensor.{name}")
        elif name in _FROM_HOST and not (args and isinstance(args[0], Tensor)):
            self._note(f"torch.{name}")
        elif name == "to" and any(isinstance(value, str) and value == "cpu" for value in (*args[1:], *kwargs.values())):
            self._note("Tensor.to('cpu')")
        elif name in ("__getitem__", "__setitem__") and any(isinstance(i, list) for i in _parts(args[1])):
            self._note(f"Tensor.{name} with a list")
        return func(*args, **kwargs)


class _Operators(TorchDispatchMode):
    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self._note = note

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        if name in _OPERATORS:
            self._note(name)
        elif name in _INDEXING and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1]):
            self._note(f"{name} with a mask")
        return func(*args, **(kwargs or {}))
