"""Run folders: ``config.json`` and checkpoints ``model_<iteration>.pt``.

Every error is a ``UserError`` that names the folder and what is wrong with it. Loading a checkpoint runs no code from
the file: it may hold tensors and plain containers only.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

_CHECKPOINT = re.compile(r"model_(\d+)\.pt")


def checkpoint_iterations(folder: str | Path) -> list[int]:
    """Iterations of the checkpoints in ``folder``, ascending."""
    path = _existing(folder)
    matches = (_CHECKPOINT.fullmatch(entry.name) for entry in path.iterdir())
    return sorted(int(match.group(1)) for match in matches if match)


def find_checkpoint(folder: str | Path, iteration: int | None = None) -> Path:
    """Path of the checkpoint of ``iteration``, or of the highest one there is."""
    path = _existing(folder)
    names = {
        int(match.group(1)): entry
        for entry in sorted(path.iterdir())
        if (match := _CHECKPOINT.fullmatch(entry.name)) is not None
    }
    if not names:
        raise UserError(f"run folder '{path}' has no checkpoint model_<iteration>.pt; train it first")
    if iteration is None:
        return names[max(names)]
    if iteration not in names:
        raise UserError(f"run folder '{path}' has no model_{iteration}.pt; there are the iterations {sorted(names)}")
    return names[iteration]


def read_config(folder: str | Path) -> dict[str, Any]:
    """``config.json`` of a run."""
    path = _existing(folder) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"run folder '{path.parent}' has no config.json; point to the folder of a run") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"config.json of run folder '{path.parent}' cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise UserError(f"config.json of run folder '{path.parent}' holds no JSON object")
    return config


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
    """Contents of a checkpoint: a dictionary with at least ``model_state_dict``."""
    path = Path(path)
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"there is no checkpoint {path.name} in run folder '{path.parent}'") from error
    except pickle.UnpicklingError as error:
        raise UserError(
            f"checkpoint {path.name} in run folder '{path.parent}' is truncated, or holds more than tensors and plain "
            "containers; it was not loaded"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UserError(
            f"checkpoint {path.name} in run folder '{path.parent}' is truncated or no checkpoint ({reason}); "
            "take another one"
        ) from error
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("model_state_dict"), Mapping):
        raise UserError(f"checkpoint {path.name} in run folder '{path.parent}' has no model_state_dict")
    return checkpoint


def load_weights(module: nn.Module, state: Mapping[str, Any], source: str | Path) -> None:
    """Load ``state`` into ``module``; if the two differ, the error names ``source`` and the difference."""
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


def _existing(folder: str | Path) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise UserError(f"there is no run folder '{path}'")
    return path


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
