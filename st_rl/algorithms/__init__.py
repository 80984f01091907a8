"""Learning algorithms, and the registry by which configuration names them."""

from __future__ import annotations

from st_rl.algorithms.appo import APPO, APPOAlgoMixin, APPOCfg
from st_rl.algorithms.estimator import EstimatorPPO, EstimatorPPOCfg
from st_rl.algorithms.ppo import PPO, PPOCfg
from st_rl.utils.errors import UnknownNameError

ALGORITHM_CLASSES: dict[str, type[PPO]] = {"APPO": APPO, "EstimatorPPO": EstimatorPPO, "PPO": PPO}


def get_algorithm_class(name: str) -> type[PPO]:
    """The algorithm class of that name; ``UnknownNameError`` lists the known ones."""
    if name not in ALGORITHM_CLASSES:
        raise UnknownNameError("algorithm", name, sorted(ALGORITHM_CLASSES))
    return ALGORITHM_CLASSES[name]


__all__ = [
    "ALGORITHM_CLASSES",
    "APPO",
    "PPO",
    "APPOAlgoMixin",
    "APPOCfg",
    "EstimatorPPO",
    "EstimatorPPOCfg",
    "PPOCfg",
    "get_algorithm_class",
]
