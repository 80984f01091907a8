"""The reference gaits: which foot stands when, how long, how wide, and how the trunk gives way."""

from __future__ import annotations

from dataclasses import dataclass

from st_rl.utils.errors import UnknownNameError
from st_rl.utils.ranges import Checked, Extent, Positive, Share
from st_rl.utils.registry import Registry

SPEEDS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)
"""Forward speeds of the suite's motions, m/s; the periods of a gait are given for the first and the last."""
YAW_RATES = (-0.4, 0.0, 0.4)
"""Yaw rates of the suite's motions, rad/s."""
MIXTURE = "mixture"
"""The gait that follows the speed."""


@dataclass(frozen=True)
class Gait(Checked):
    """One gait. Phases are in strides, feet in the order FL, FR, RL, RR."""

    name: str
    offsets: tuple[Share, Share, Share, Share]
    """Phase at which each foot touches down."""
    periods: tuple[Positive, Positive]
    """Duration of a stride at the slowest and at the fastest speed, s; linear in between, and held beyond."""
    duty_factors: tuple[Share, Share]
    """Share of the stride that a foot is on the ground, likewise. Long stances cost: joints work against each other
    where a foot is far ahead or behind."""
    clearance: Positive = 0.045
    """How high a foot is lifted, m."""
    stance_width: Extent = 1.0
    """Lateral distance of the feet from the hip axes, as a share of the robot's ``hip_offset``."""
    sway: Share = 1.0
    """Share of the tipping moment that is met by swaying toward the feet that stand; the trunk rolls and pitches
    under the rest."""

    def period(self, speed: float) -> float:
        """Duration of a stride at ``speed`` m/s, s."""
        return _between(self.periods, speed)

    def duty_factor(self, speed: float) -> float:
        """Share of the stride that a foot is on the ground at ``speed`` m/s."""
        return _between(self.duty_factors, speed)


def _between(ends: tuple[float, float], speed: float) -> float:
    """The value at ``speed`` of what has the values ``ends`` at the slowest and at the fastest speed."""
    share = (abs(speed) - SPEEDS[0]) / (SPEEDS[-1] - SPEEDS[0])
    return ends[0] + min(max(share, 0.0), 1.0) * (ends[1] - ends[0])


GAITS: Registry[Gait] = Registry(
    "gait",
    {
        "trot": Gait("trot", (0.0, 0.5, 0.5, 0.0), (0.48, 0.42), (0.50, 0.42)),
        "pace": Gait("pace", (0.0, 0.5, 0.0, 0.5), (0.40, 0.36), (0.50, 0.44), stance_width=0.75),
        "bound": Gait("bound", (0.0, 0.0, 0.5, 0.5), (0.40, 0.36), (0.50, 0.44), sway=0.5),
    },
)
"""Gaits in which two pairs of feet take turns: diagonal, lateral, fore and hind."""

MIXTURE_LIMITS = (("pace", 0.7), ("trot", 1.3), ("bound", float("inf")))
"""Gaits of the mixture, each up to a commanded forward speed in m/s."""


def gait_names() -> list[str]:
    """What may be chosen: the gaits, and the mixture of them."""
    return [*GAITS, MIXTURE]


def gait_at(name: str, speed: float) -> Gait:
    """The gait called ``name`` at a commanded ``speed`` in m/s, of which that of the mixture depends.

    Raises:
        UnknownNameError: there is no such gait.
    """
    if name == MIXTURE:
        return GAITS[next(gait for gait, limit in MIXTURE_LIMITS if speed < limit)]
    if name not in GAITS:
        raise UnknownNameError("gait", name, gait_names())
    return GAITS[name]
