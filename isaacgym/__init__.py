"""An open implementation of the interface of Isaac Gym Preview 4, over MuJoCo and MuJoCo Warp.

Code that was written for Isaac Gym runs unmodified: ``gymapi`` has the ``Gym`` object, values and enumerations,
``gymtorch`` connects its tensors to torch, ``gymutil``, ``torch_utils`` and ``terrain_utils`` are what callers import
beside them. ``docs/isaac_gym.md`` says what differs from PhysX.
"""

from __future__ import annotations

from isaacgym._numpy_aliases import restore_numpy_aliases

restore_numpy_aliases()
