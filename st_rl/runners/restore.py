"""Putting a checkpoint into an algorithm, with errors that say what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from st_rl.algorithms import PPO
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.run_folder import config_entry, config_layout, load_weights, read_config
from st_rl.utils.transfer import TransferReport, align_normalizer_state, load_misaligned_state_dict

_NORMALIZERS = ("obs_normalizer", "critic_obs_normalizer")


def iteration_of(state: Mapping[str, Any], path: Path) -> int:
    """Number of iterations after which a checkpoint was saved."""
    if "iteration" not in state:
        raise UserError(f"{path} lacks its iteration and cannot be resumed; start a new run from its weights")
    return int(state["iteration"])


def run_layouts(folder: Path) -> tuple[ObsLayout, ObsLayout | None]:
    """The layouts that the run in ``folder`` was trained with, by its ``config.json``."""
    config = read_config(folder)
    critic = config.get("critic_obs_segments")
    return (
        config_layout(config, "obs_segments", folder),
        None if critic is None else config_layout(config, "critic_obs_segments", folder),
    )


def check_run(
    path: Path,
    policy_cfg: Mapping[str, Any],
    obs_segments: ObsLayout,
    critic_obs_segments: ObsLayout | None,
    *,
    same_class: bool,
) -> None:
    """Compare the run of the checkpoint ``path`` with what is to be trained here; ``UserError`` says what differs."""
    folder = path.parent
    their_obs, their_critic = run_layouts(folder)
    for name, own, theirs in (
        ("observations", obs_segments, their_obs),
        ("critic observations", critic_obs_segments, their_critic),
    ):
        if own is None or theirs is None or own == theirs:
            continue
        raise UserError(
            f"the policy in {folder} was trained with other {name} "
            f"({own.difference(theirs, 'this task', 'the checkpoint')}); use the task it was trained on"
        )
    if same_class:
        theirs_class = config_entry(read_config(folder), "policy.class_name", folder)
        own_class = policy_cfg.get("class_name", "ActorCritic")
        if theirs_class != own_class:
            raise UserError(f"the run in {folder} trains a {theirs_class}, not a {own_class}; resume it as that class")


def load_algorithm(algorithm: PPO, state: Mapping[str, Any], path: Path) -> None:
    """Everything that the algorithm saved, to go on exactly as it would have."""
    load_policy(algorithm, state, path)
    try:
        algorithm.load_state_dict(dict(state))
    except (KeyError, RuntimeError, ValueError) as error:
        raise UserError(f"{path} does not fit this algorithm ({error}); resume with the run's own settings") from error


def load_policy(algorithm: PPO, state: Mapping[str, Any], path: Path) -> None:
    """The policy's weights and the normalization of its observations."""
    load_weights(algorithm.actor_critic, state["model_state_dict"], path)
    for name, normalizer in _normalizers(algorithm, state, path):
        load_weights(normalizer, state[f"{name}_state_dict"], path)


def load_misaligned(
    algorithm: PPO, state: Mapping[str, Any], path: Path, *, own_critic: bool = False
) -> TransferReport:
    """The policy's weights and normalization, matched by segment name to another layout of observations.

    ``own_critic``: what ``state`` has of a critic is this algorithm's own already.
    """
    obs_segments, critic_obs_segments = run_layouts(path.parent)
    policy = algorithm.actor_critic
    if own_critic:
        critic_obs_segments = policy.critic_obs_segments
    report = load_misaligned_state_dict(policy, state["model_state_dict"], obs_segments, critic_obs_segments)
    pairs = (
        (obs_segments, policy.obs_segments),
        (critic_obs_segments or obs_segments, policy.critic_obs_segments),
    )
    for (name, normalizer), (theirs, own) in zip(_normalizers(algorithm, state, path), pairs, strict=False):
        statistics = state[f"{name}_state_dict"]
        if not _equal(statistics, normalizer.state_dict()):
            normalizer.load_state_dict(align_normalizer_state(statistics, theirs, own))
    return report


def _equal(first: Mapping[str, torch.Tensor], second: Mapping[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def _normalizers(algorithm: PPO, state: Mapping[str, Any], path: Path) -> list[tuple[str, nn.Module]]:
    """The algorithm's normalizers by name, if the checkpoint has the same ones."""
    own = {"obs_normalizer": algorithm.obs_normalizer}
    if algorithm.critic_obs_normalizer is not algorithm.obs_normalizer:
        own["critic_obs_normalizer"] = algorithm.critic_obs_normalizer
    if not algorithm.cfg.normalize_obs:
        own = {}
    if own.keys() != {name for name in _NORMALIZERS if f"{name}_state_dict" in state}:
        raise UserError(
            f"{path} and this run do not normalize the same observations; set algorithm.normalize_obs as in its run"
        )
    return list(own.items())
