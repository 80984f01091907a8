"""What an environment says about the meaning of its numbers."""

from __future__ import annotations

from legged_gym_ext.envs.settings import proprioception_scales, settings_of
from legged_gym_ext.runs.folders import run_config
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.policy_interface import USUAL_PARTS, PolicyInterface

LAYOUT = ObsLayout({"proprioception": (48,)})


def test_every_column_of_proprioception_names_its_scale() -> None:
    scales = proprioception_scales()
    assert scales["commands"] == ["lin_vel", "lin_vel", "ang_vel"]
    assert scales["dof_vel"] == ["dof_vel"] * 12 and scales["actions"] == [""] * 12
    assert sum(len(names) for names in scales.values()) == 48


def test_what_older_runs_lack_is_what_environments_say() -> None:
    task = get_task("go1_walk")
    settings = settings_of(task.env)
    assert run_config(task, "mujoco")["proprioception"] == settings["proprioception"]
    assert list(settings["proprioception"]) == list(USUAL_PARTS)
    older = {name: value for name, value in settings.items() if name != "proprioception"}
    now, then = (PolicyInterface.from_settings(given, LAYOUT, 12, "a run") for given in (settings, older))
    assert now.columns == then.columns
