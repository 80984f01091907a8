"""Reinforcement learning for segmented observations: policies, algorithms, storage and runners."""

from st_rl.utils.version import __version__

__all__ = ["__version__"]
