"""Whether loops can be compiled, asked once when an environment is built."""

from __future__ import annotations

import importlib.util
import logging
from functools import cache

log = logging.getLogger(__name__)


@cache
def compiled_kernels() -> bool:
    """Whether numba is installed; where it is not, a warning says, once, what that costs."""
    if importlib.util.find_spec("numba") is not None:
        return True
    log.warning(
        "numba is not installed: sensors and obstacles are computed with tensors, which gives the same and is several "
        "times slower on a CPU; install it with 'pip install numba'"
    )
    return False
