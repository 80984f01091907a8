"""Whether loops can be compiled, asked once when an environment is built."""

from __future__ import annotations

import importlib.util
import logging
from functools import cache

log = logging.getLogger(__name__)


WITHOUT = (
    "numba is not installed: sensors and obstacles are computed with tensors, which gives the same and is several "
    "times slower on a CPU; install it with 'pip install numba'"
)
"""What is said where there is no compiler."""


@cache
def compiled_kernels() -> bool:
    """Whether numba is installed; where it is not, a warning says, once, what that costs."""
    found = importlib.util.find_spec("numba") is not None
    if not found:
        log.warning(WITHOUT)
    return found
