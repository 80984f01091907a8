"""Loops that train a policy in an environment and keep what comes of it in a run folder."""

from st_rl.runners.amp_policy_runner import AmpPolicyRunner
from st_rl.runners.dagger_saver import DaggerSaver
from st_rl.runners.demonstration_saver import DemonstrationSaver
from st_rl.runners.on_policy_runner import OnPolicyRunner
from st_rl.runners.two_stage_runner import TwoStageRunner
from st_rl.utils.registry import Registry

RUNNER_CLASSES: Registry[type[OnPolicyRunner]] = Registry(
    "runner", {each.__name__: each for each in (AmpPolicyRunner, OnPolicyRunner, TwoStageRunner)}
)


def get_runner_class(name: str) -> type[OnPolicyRunner]:
    """The runner class of that name; ``UnknownNameError`` lists the known ones."""
    return RUNNER_CLASSES[name]


__all__ = [
    "RUNNER_CLASSES",
    "AmpPolicyRunner",
    "DaggerSaver",
    "DemonstrationSaver",
    "OnPolicyRunner",
    "TwoStageRunner",
    "get_runner_class",
]
