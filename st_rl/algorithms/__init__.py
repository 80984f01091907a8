"""Learning algorithms, and the registry by which configuration names them."""

from __future__ import annotations

from st_rl.algorithms.appo import APPO, ATPPO, APPOAlgoMixin, APPOCfg, ATPPOCfg
from st_rl.algorithms.dagger import DAgger, DAggerCfg
from st_rl.algorithms.estimator import (
    EstimatorAlgoMixin,
    EstimatorPPO,
    EstimatorPPOCfg,
    EstimatorTPPO,
    EstimatorTPPOCfg,
)
from st_rl.algorithms.ppo import PPO, PPOCfg
from st_rl.algorithms.tppo import TPPO, StoredTransition, TPPOCfg
from st_rl.utils.registry import Registry

ALGORITHM_CLASSES: Registry[type[PPO]] = Registry(
    "algorithm", {each.__name__: each for each in (APPO, ATPPO, DAgger, EstimatorPPO, EstimatorTPPO, PPO, TPPO)}
)


def get_algorithm_class(name: str) -> type[PPO]:
    """The algorithm class of that name; ``UnknownNameError`` lists the known ones."""
    return ALGORITHM_CLASSES[name]


__all__ = [
    "ALGORITHM_CLASSES",
    "APPO",
    "ATPPO",
    "PPO",
    "TPPO",
    "APPOAlgoMixin",
    "APPOCfg",
    "ATPPOCfg",
    "DAgger",
    "DAggerCfg",
    "EstimatorAlgoMixin",
    "EstimatorPPO",
    "EstimatorPPOCfg",
    "EstimatorTPPO",
    "EstimatorTPPOCfg",
    "PPOCfg",
    "StoredTransition",
    "TPPOCfg",
    "get_algorithm_class",
]
