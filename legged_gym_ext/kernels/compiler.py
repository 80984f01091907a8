"""How kernels are compiled: by numba, for given types, when their module is imported, kept on disk for the next time.

Types are given so that nothing is compiled in the middle of a run: an argument of another type is an error. The lock
of the interpreter is released, so that threads share the worlds. A kernel calls nothing but functions of its own file,
because numba's cache looks at no other when it decides whether a kernel has changed.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
# (numba may be missing)

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

log = logging.getLogger(__name__)

NO_NAN = {"nnan", "nsz"}
"""For kernels whose inputs are finite: minimum and maximum become single instructions. No sum changes its order."""

Array = np.ndarray
integer, single, double = types.int64, types.float32, types.float64


def array(kind: str, dims: int, *, strided: bool = False, readonly: bool = False) -> types.Array:
    """The type of an array of ``dims`` dimensions.

    Args:
        kind: "float", "double", "bool" or "long".
        strided: it may be a view that is not contiguous.
        readonly: it may forbid writing.
    """
    return types.Array(_KINDS[kind], dims, "A" if strided else "C", readonly=readonly)


_KINDS = {"float": types.float32, "double": types.float64, "bool": types.boolean, "long": types.int64}


def compiled(*arguments: Any, fast: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Compile ``f(first, last, *arrays)``, which works on the worlds from ``first`` to before ``last``.

    Args:
        arguments: types of what follows ``first`` and ``last``.
        fast: the inputs hold no NaN; see ``NO_NAN``.
    """
    signature = types.void(integer, integer, *arguments)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": NO_NAN if fast else False}

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        try:
            return numba.njit(signature, cache=True, **options)(function)
        except RuntimeError:
            log.info("there is no folder to keep compiled code in; it is compiled anew at every start")
            return numba.njit(signature, **options)(function)

    return decorate


def _fma(context: Any, a: Any, b: Any, c: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, a, a), generate


fma: Any = intrinsic(_fma)
"""``a * b + c``, rounded once, as torch computes cross products and ``addcmul`` where the processor can."""


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``function`` callable from the kernels of the same file."""
    return numba.njit(inline="never", error_model="numpy", fastmath=False)(function)
