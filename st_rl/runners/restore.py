"""Putting a checkpoint into an algorithm, with errors that say what does not fit."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from st_rl.algorithms import PPO
from st_rl.modules import ActorCritic
from st_rl.runners import checkpoint
from st_rl.runners.converted_weights import conversions, convert_weights
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout
from st_rl.utils.run_folder import (
    checkpoint_iterations,
    config_entry,
    config_layout,
    find_checkpoint,
    load_checkpoint,
    load_weights,
    read_config,
    run_folder_of,
)
from st_rl.utils.transfer import TransferReport, align_normalizer_state, load_misaligned_state_dict

logger = logging.getLogger(__name__)

_NORMALIZERS = ("obs_normalizer", "critic_obs_normalizer")


def find_resumable(run: Path, ranks: int) -> Path:
    """The checkpoint that a run goes on from: the one that ``run`` names, or the newest that is whole.

    Whole is one that can be read and has the state of each of the ``ranks`` processes beside it.

    Raises:
        UserError: there is none; the message says what is wrong with the newest.
    """
    folder = run_folder_of(run)
    newest = find_checkpoint(run)
    if folder == run and not any(folder.glob("state_*.pt")):
        raise UserError(
            f"the run in '{folder}' has no state beside its checkpoints (state_<iteration>.pt) to go on from, as "
            "policies that are shipped or only played have none; start a new run from its weights with --load-run"
        )
    iterations = checkpoint_iterations(folder) if folder == run else [iteration_in_name(newest)]
    damaged: UserError | None = None
    for iteration in reversed(iterations):
        path = checkpoint.model_path(folder, iteration)
        try:
            load_checkpoint(path)
            for rank in range(ranks):
                checkpoint.load_tensors(checkpoint.state_path(folder, iteration, rank))
        except UserError as error:
            damaged = damaged or error
            continue
        if damaged is not None:
            logger.warning("%s; the run goes on from %s instead", damaged, path.name)
        return path
    assert damaged is not None  # find_checkpoint has found one
    raise damaged


def iteration_in_name(path: Path) -> int:
    """The number in ``model_<number>.pt``."""
    return int(path.stem.removeprefix("model_"))


def converted(state: Mapping[str, Any], policy: ActorCritic, path: Path) -> dict[str, Any]:
    """The checkpoint ``path`` with weights for the scales of the environment that ``policy`` is trained in.

    What differs and cannot be taken over by weights is said in one sentence.
    """
    folder = run_folder_of(path)
    theirs, layouts = read_config(folder), run_layouts(folder)
    actor, critic = conversions(policy, theirs, layouts, folder)
    if actor.differences:
        logger.warning("%s", actor.sentence(folder))
    return convert_weights(state, policy, layouts, actor, critic, folder)


def iteration_of(state: Mapping[str, Any], path: Path) -> int:
    """Number of iterations after which a checkpoint was saved."""
    if "iteration" not in state:
        raise UserError(f"{path} lacks its iteration and cannot be resumed; start a new run from its weights")
    value = state["iteration"]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UserError(f"{path} says it is of iteration {str(value)[:40]}; start a new run from its weights")
    return value


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
