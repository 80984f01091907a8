"""The contract between learning code and a batched environment."""

from st_rl.env.vec_env import DescribedVecEnv, StatefulVecEnv, VecEnv

__all__ = ["DescribedVecEnv", "StatefulVecEnv", "VecEnv"]
