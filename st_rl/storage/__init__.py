"""Buffers between acting and learning."""

from st_rl.storage.amp_rollout_storage import AmpRolloutStorage
from st_rl.storage.image_replay import ImageReplay, Sequences
from st_rl.storage.queue_rollout_storage import ActionLabelRollout, QueueRolloutStorage
from st_rl.storage.replay_buffer import ReplayBuffer
from st_rl.storage.rollout_storage import Batch, RolloutStorage, Transition
from st_rl.storage.sarsa_rollout_storage import SarsaRolloutStorage

__all__ = [
    "ActionLabelRollout",
    "AmpRolloutStorage",
    "Batch",
    "ImageReplay",
    "QueueRolloutStorage",
    "ReplayBuffer",
    "RolloutStorage",
    "SarsaRolloutStorage",
    "Sequences",
    "Transition",
]
