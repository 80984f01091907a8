"""NumPy names that were removed over the years and that code for Isaac Gym still uses."""

from __future__ import annotations

import numpy as np

ALIASES = {
    # removed in NumPy 1.24
    "bool": bool,
    "complex": complex,
    "float": float,
    "int": int,
    "object": object,
    "str": str,
    # removed in NumPy 2.0
    "Inf": np.inf,
    "Infinity": np.inf,
    "NaN": np.nan,
    "alltrue": np.all,
    "complex_": np.complex128,
    "cumproduct": np.cumprod,
    "float_": np.float64,
    "infty": np.inf,
    "product": np.prod,
    "row_stack": np.vstack,
    "sometrue": np.any,
    "string_": np.bytes_,
    "unicode_": np.str_,
}
"""Old name: what it meant. ``np.bool`` is back since NumPy 2.0, with a meaning of its own, and stays as it is."""


def restore_numpy_aliases() -> list[str]:
    """Give NumPy the names of ``ALIASES`` that it lacks, and return them; names that it has stay as they are."""
    missing = [name for name in ALIASES if name not in np.__dict__]
    for name in missing:
        setattr(np, name, ALIASES[name])
    return missing
