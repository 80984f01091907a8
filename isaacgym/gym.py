"""The ``Gym`` object, through which callers do everything."""

from __future__ import annotations

from isaacgym.methods.actors import ActorMethods
from isaacgym.methods.cameras import CameraMethods
from isaacgym.methods.simulation import SimulationMethods
from isaacgym.methods.states import StateMethods
from isaacgym.methods.tensors import TensorMethods
from isaacgym.methods.unsupported import UnsupportedMethods
from isaacgym.methods.viewer import ViewerMethods


class Gym(
    SimulationMethods,
    ActorMethods,
    TensorMethods,
    StateMethods,
    ViewerMethods,
    CameraMethods,
    UnsupportedMethods,
):
    """The interface of Isaac Gym Preview 4. It holds no state; ``gymapi.acquire_gym`` returns the only instance."""


_GYM = Gym()


def acquire_gym() -> Gym:
    """Return the ``Gym`` object."""
    return _GYM
