"""Forward velocities that a mutex policy commands its sub-policies, as they are configured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from st_rl.utils.errors import UserError

VelocityCommand = float | Sequence[float]
"""A forward velocity in m/s, or a range ``(low, high)`` to draw it from."""


def velocities_by_index(mapping: Mapping[int | str, VelocityCommand], num_policies: int) -> dict[int, VelocityCommand]:
    """Return ``mapping`` with integer keys, since JSON has strings.

    Raises:
        UserError: a key is not the index of one of the ``num_policies`` sub-policies.
    """
    result: dict[int, VelocityCommand] = {}
    for key, velocity in mapping.items():
        try:
            index = int(key)
        except ValueError:
            index = -1
        if not 0 <= index < num_policies:
            raise UserError(f"cmd_vel_mapping has the key {key!r}; its keys are sub-policies, 0 to {num_policies - 1}")
        result[index] = velocity
    return result


def as_range(velocity: VelocityCommand) -> tuple[float, float]:
    """Return the low and high end of a velocity command, m/s; ``UserError`` where it is neither number nor range."""
    if isinstance(velocity, int | float):
        return float(velocity), float(velocity)
    if len(velocity) != 2:
        raise UserError(f"a velocity command is a number or a range (low, high), not {velocity}")
    return float(velocity[0]), float(velocity[1])
