"""Run folders: ``config.json`` and checkpoints ``model_<iteration>.pt``.

Every error is a ``UserError`` that names the folder and what is wrong with it. Loading a checkpoint runs no code from
the file: it may hold tensors and plain containers only.
"""

from __future__ import annotations

import json
import logging
import math
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.rsl_rl_checkpoint import from_rsl_rl, is_rsl_rl

_WEIGHTS = ("model_state_dict", "obs_normalizer_state_dict", "critic_obs_normalizer_state_dict")
"""Parts of a checkpoint that are weights or statistics."""

_CHECKPOINT = re.compile(r"model_(\d+)\.pt")
BEST = "best"
"""What stands for the checkpoint of the highest mean reward: ``RUN/best``."""
BEST_FILE = "best.json"
"""File of a run folder that says which one that is."""

_DIGITS = 24
"""No count or seed has more."""

logger = logging.getLogger(__name__)


def run_folder_of(run: str | Path) -> Path:
    """The folder of a run that is named by itself or by one of its checkpoints (``RUN/model_30.pt``, ``RUN/best``)."""
    path = Path(run)
    named = path.suffix == ".pt" or (path.name == BEST and not path.is_dir())
    return path.parent if named else path


def checkpoint_iterations(folder: str | Path) -> list[int]:
    """Iterations of the checkpoints in ``folder``, ascending."""
    return sorted(_checkpoints(_existing(folder)))


def find_checkpoint(folder: str | Path, iteration: int | str | None = None) -> Path:
    """Path of a checkpoint.

    Args:
        folder: of the run, or one of its checkpoints, which then is the one.
        iteration: its number, or ``best``; by default the highest there is.
    """
    path = run_folder_of(folder)
    if path != Path(folder) and iteration is None:
        iteration = BEST if Path(folder).name == BEST else _iteration_named(Path(folder))
    names = _checkpoints(_existing(path))
    if not names:
        raise UserError(f"run folder '{path}' has no checkpoint model_<iteration>.pt; train it first")
    if iteration is None:
        return names[max(names)]
    if iteration == BEST:
        iteration = _best_iteration(path)
    if iteration not in names:
        raise UserError(f"run folder '{path}' has no model_{iteration}.pt; there are the iterations {sorted(names)}")
    return names[int(iteration)]


def load_newest_whole(run: str | Path, map_location: torch.device | str = "cpu") -> tuple[dict[str, Any], Path]:
    """A checkpoint of a run and its path: the one that ``run`` names, or the newest that is whole.

    Raises:
        UserError: none is whole, or the one that is named is not; what is wrong with the newest is said.
    """
    if run_folder_of(run) != Path(run):
        path = find_checkpoint(run)
        return load_checkpoint(path, map_location), path
    damaged: UserError | None = None
    find_checkpoint(run)  # says it where there is none
    for iteration in reversed(checkpoint_iterations(run)):
        path = find_checkpoint(run, iteration)
        try:
            found = load_checkpoint(path, map_location)
        except UserError as error:
            damaged = damaged or error
            continue
        if damaged is not None:
            logger.warning("%s; %s is used instead", damaged, path.name)
        return found, path
    assert damaged is not None  # or there would have been no checkpoint at all
    raise damaged


def read_config(folder: str | Path) -> dict[str, Any]:
    """``config.json`` of a run, which may be named by one of its checkpoints."""
    path = _existing(run_folder_of(folder)) / "config.json"
    try:
        config = read_json(path)
    except FileNotFoundError as error:
        raise UserError(f"run folder '{path.parent}' has no config.json; point to the folder of a run") from error
    except (OSError, ValueError) as error:
        raise UserError(f"config.json of run folder '{path.parent}' cannot be read: {str(error)[:200]}") from error
    if not isinstance(config, dict):
        raise UserError(f"config.json of run folder '{path.parent}' holds no JSON object")
    return config


def read_json(path: Path) -> Any:
    """The contents of a JSON file.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it is no JSON, is nested too deep, or has a number that is not finite or too long.
    """

    def refuse(constant: str) -> Any:
        raise ValueError(f"it holds {constant}, which is not finite")

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text} is too large a number")
        return value

    def whole(text: str) -> int:
        if len(text) > _DIGITS:
            raise ValueError(f"{text[:_DIGITS]}... is too large a number")
        return int(text)

    text = path.read_text(encoding="utf-8")
    try:
        return json.loads(text, parse_constant=refuse, parse_float=number, parse_int=whole)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def config_entry(config: Mapping[str, Any], name: str, folder: str | Path) -> Any:
    """The entry with the dotted ``name``, such as ``control.action_scale``."""
    value: Any = config
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise UserError(
                f"config.json of run folder '{folder}' lacks '{name}'; another version of the suite made it"
            )
        value = value[key]
    return value


def config_layout(config: Mapping[str, Any], name: str, folder: str | Path) -> ObsLayout:
    """The observation layout under the dotted ``name`` (``obs_segments``, ``critic_obs_segments``)."""
    try:
        return ObsLayout.from_json(config_entry(config, name, folder))
    except UserError as error:
        raise UserError(f"config.json of run folder '{folder}', '{name}': {error}") from error


def load_checkpoint(path: str | Path, map_location: torch.device | str = "cpu") -> dict[str, Any]:
    """Contents of a checkpoint: a dictionary with at least ``model_state_dict``, all of whose numbers are finite.

    One that rsl-rl-lib wrote is given the names of this library.
    """
    path = Path(path)
    what = f"checkpoint {path.name} in run folder '{path.parent}'"
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"there is no checkpoint {path.name} in run folder '{path.parent}'") from error
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{what} is truncated, or holds more than tensors and plain containers; it was not loaded"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UserError(f"{what} is truncated or no checkpoint ({reason}); take another one") from error
    if isinstance(checkpoint, dict) and is_rsl_rl(checkpoint):
        checkpoint = from_rsl_rl(checkpoint, what)
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("model_state_dict"), Mapping):
        raise UserError(f"{what} has no model_state_dict")
    for part in _WEIGHTS:
        if part in checkpoint:
            _check_weights(checkpoint[part], f"{what}: {part}" if part != _WEIGHTS[0] else what)
    return checkpoint


def _check_weights(state: Any, what: str) -> None:
    """``UserError`` for what is no state of a module: tensors by name, all of them finite."""
    if not isinstance(state, Mapping):
        raise UserError(f"{what} holds a {type(state).__name__} instead of weights; take another one")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor) or value.layout != torch.strided:
            raise UserError(f"{what} holds a {type(value).__name__} as '{str(name)[:60]}'; take another one")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise UserError(f"'{name}' of {what} is not finite (NaN or infinite); take an earlier checkpoint")


def load_weights(module: nn.Module, state: Mapping[str, Any], source: str | Path) -> None:
    """Load ``state`` into ``module``; if the two differ, the error names ``source`` and the difference."""
    _check_weights(state, f"the weights in '{source}'")
    own = module.state_dict()
    missing = [name for name in own if name not in state]
    extra = [name for name in state if name not in own]
    shapes = [
        f"{name} is {list(state[name].shape)} there and {list(own[name].shape)} here"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if missing or extra or shapes:
        parts = [f"it lacks {_few(missing)}"] if missing else []
        parts += [f"it has {_few(extra)} in addition"] if extra else []
        parts += [_few(shapes)] if shapes else []
        raise UserError(f"the weights in '{source}' do not fit {type(module).__name__}: {'; '.join(parts)}")
    module.load_state_dict(dict(state))


def _checkpoints(folder: Path) -> dict[int, Path]:
    """Checkpoints by iteration."""
    matches = ((_CHECKPOINT.fullmatch(entry.name), entry) for entry in sorted(folder.iterdir()))
    return {int(match.group(1)): entry for match, entry in matches if match is not None}


def _iteration_named(path: Path) -> int:
    match = _CHECKPOINT.fullmatch(path.name)
    if match is None:
        raise UserError(f"'{path}' is no checkpoint of a run; they are called model_<iteration>.pt")
    return int(match.group(1))


def _best_iteration(folder: Path) -> int:
    try:
        found = read_json(folder / BEST_FILE)
        iteration = found["iteration"] if isinstance(found, dict) else None
    except (OSError, ValueError, KeyError):
        iteration = None
    if not isinstance(iteration, int) or isinstance(iteration, bool):
        known = ", ".join(str(each) for each in sorted(_checkpoints(folder)))
        raise UserError(f"run folder '{folder}' does not say which checkpoint is its best; choose one of {known}")
    return iteration


def _existing(folder: str | Path) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise UserError(f"there is no run folder '{path}'")
    return path


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
