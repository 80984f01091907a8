"""Run folders made small and movable, as they come with the suite."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from legged_gym_ext.runs import folders as runs, mutex
from legged_gym_ext.runs.deployment import deployment
from legged_gym_ext.runs.outputs import DEPLOYMENT
from st_rl.runners import checkpoint
from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import config_entry, load_newest_whole, read_config, read_json, run_folder_of

KEPT = ("model_state_dict", "obs_normalizer_state_dict", "critic_obs_normalizer_state_dict", "iteration")
"""Parts of a checkpoint that are shipped: those that a policy acts with, or that a new run starts from."""
_EVALUATION = "evaluation.json"
_MORE = ("blindfold.json", "rpl.json")
"""Evaluations by other protocols that are shipped where there are any."""


def shipped_name(config: Mapping[str, Any], folder: Path) -> str:
    """``<robot>_<skill>``: the name of the run's task, or ``<robot>_mutex``."""
    if "skills" in config:
        return f"{config_entry(config, 'robot', folder)}_{mutex.MUTEX}"
    return str(config_entry(config, "task", folder))


def ship(folder: Path, root: Path, name: str | None = None, *, replace: bool = False) -> Path:
    """Copy the run in ``folder`` to ``root/<name>``: configuration, newest policy without the learner's state,
    evaluation. Returns the new folder, which is written whole or not at all.

    Args:
        name: by default ``shipped_name``.
        replace: whether an earlier one of that name gives way.

    Raises:
        UserError: the run is not whole or was not evaluated, or there is one of that name.
    """
    config = read_config(folder)
    if name is not None:
        runs.require_name(name, "a policy")
    target = root / (name or shipped_name(config, folder))
    if target.exists() and not runs.is_run(target):
        raise UserError(f"'{target}' is no policy that could be replaced; choose another --name or --root")
    if run_folder_of(folder).resolve() == target.resolve():
        raise UserError(f"'{folder}' is where it would be shipped to; choose another --name or --root")
    if target.exists() and not replace:
        raise UserError(f"there is '{target}' already; replace it with --replace, or choose another --name")
    evaluation = {_EVALUATION: _evaluation(folder)}
    content, source = load_newest_whole(folder)
    if "skills" in config:
        config = config | {"policy": config["policy"] | {"sub_policy_paths": _shipped_skills(config, folder, root)}}
    temporary = root / f".{target.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"cannot make '{temporary}' ({error.strerror}); choose another --root") from error
    checkpoint.write_json(temporary / "config.json", without_absolute_paths(config))
    kept = {key: value for key, value in content.items() if key in KEPT}
    checkpoint.save_tensors(temporary / source.name, kept)
    facts = mutex.policy_facts(temporary)
    description = deployment(folder, runs.load_policy(folder))
    # The shipped file is a smaller one than the run's.
    description |= {name: value for name, value in facts.items() if name in description}
    checkpoint.write_json(temporary / DEPLOYMENT, description)
    for name, report in (evaluation | _more_evaluations(folder)).items():
        report = report | {"policy": target.name} | facts
        checkpoint.write_json(temporary / name, without_absolute_paths(report))
    if target.exists():
        shutil.rmtree(target)
    temporary.rename(target)
    return target


def without_absolute_paths(value: Any) -> Any:
    """``value``, nested lists and objects of JSON, where only the last part is left of absolute paths."""
    if isinstance(value, Mapping):
        return {key: without_absolute_paths(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_absolute_paths(item) for item in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return value


def _more_evaluations(folder: Path) -> dict[str, dict[str, Any]]:
    """What else was measured of the checkpoint that is shipped, by the names of the files."""
    facts = runs.checkpoint_facts(load_newest_whole(folder)[1])
    found = {}
    for name in _MORE:
        path = run_folder_of(folder) / name
        try:
            report = read_json(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise UserError(f"'{path}' cannot be read ({str(error)[:100]}); evaluate the run again") from error
        if not isinstance(report, dict) or report.get("checkpoint_hash") != facts["checkpoint_hash"]:
            raise UserError(f"'{path}' is not of {facts['checkpoint']}; evaluate it again, or remove it")
        found[name] = report
    return found


def _evaluation(folder: Path) -> dict[str, Any]:
    """The evaluation of the newest checkpoint of a run, or of the one that ``folder`` is."""
    path = run_folder_of(folder) / _EVALUATION
    try:
        report = read_json(path)
    except FileNotFoundError as error:
        raise UserError(
            f"the run in '{folder}' has no {_EVALUATION}; write it with legged-evaluate --policy {folder} --json {path}"
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"'{path}' cannot be read ({str(error)[:100]}); evaluate the run again") from error
    facts = runs.checkpoint_facts(load_newest_whole(folder)[1])
    if not isinstance(report, dict) or report.get("checkpoint_hash") != facts["checkpoint_hash"]:
        raise UserError(f"{_EVALUATION} in '{folder}' is not of its {facts['checkpoint']}; evaluate it again")
    return report


def _shipped_skills(config: Mapping[str, Any], folder: Path, root: Path) -> list[str]:
    """Paths of the shipped sub-policies of a mutex, relative to its shipped folder: those with the same weights.

    Raises:
        UserError: one is missing.
    """
    robot = config_entry(config, "robot", folder)
    shipped = sorted(path for path in root.glob(f"{robot}_*") if runs.is_run(path))
    result = []
    for skill, path in mutex.skill_folders(config, folder).items():
        first = [other for other in shipped if other.name == f"{robot}_{skill}"]
        same = [other for other in (*first, *shipped) if _same_weights(other, path)]
        if not same:
            raise UserError(f"the mutex in '{folder}' has a skill that is not shipped: {skill}; ship '{path}' first")
        result.append(f"../{same[0].name}")
    return result


def _same_weights(first: Path, second: Path) -> bool:
    states: list[Mapping[str, Tensor]] = [load_newest_whole(run)[0]["model_state_dict"] for run in (first, second)]
    one, other = states
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())
