"""Buffers between acting and learning."""

from st_rl.storage.amp_rollout_storage import AmpRolloutStorage
from st_rl.storage.replay_buffer import ReplayBuffer
from st_rl.storage.rollout_storage import Batch, RolloutStorage, Transition

__all__ = ["AmpRolloutStorage", "Batch", "ReplayBuffer", "RolloutStorage", "Transition"]
