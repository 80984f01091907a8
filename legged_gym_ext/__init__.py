"""Simulated tasks for quadruped robots: simulators, robots, terrain, sensors and environments."""

import os

from st_rl.utils.version import __version__

__all__ = ["__version__"]

# Threads of torch that wait for work would otherwise spin, and take the cores from the simulator's threads: 7 % of a
# training. OpenMP reads this when torch is first imported, so it is set before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
