"""Run folders; what mutex policies make of broken ones is tested with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from st_rl.utils.errors import UserError
from st_rl.utils.run_folder import (
    checkpoint_iterations,
    config_entry,
    find_checkpoint,
    load_checkpoint,
    load_weights,
    read_config,
)


def test_the_highest_iteration_counts_as_a_number(tmp_path: Path) -> None:
    for name in ("model_9.pt", "model_100.pt", "model_20.pt", "model_200.pt.tmp", "model_x.pt", "amodel_300.pt"):
        (tmp_path / name).touch()
    assert checkpoint_iterations(tmp_path) == [9, 20, 100]
    assert find_checkpoint(tmp_path).name == "model_100.pt"
    assert find_checkpoint(tmp_path, 9).name == "model_9.pt"
    with pytest.raises(UserError, match=r"no model_7\.pt.*\[9, 20, 100\]"):
        find_checkpoint(tmp_path, 7)


def test_a_checkpoint_round_trip(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 3)
    torch.save({"model_state_dict": module.state_dict(), "iteration": 5}, tmp_path / "model_5.pt")
    checkpoint = load_checkpoint(tmp_path / "model_5.pt")
    other = torch.nn.Linear(2, 3)
    load_weights(other, checkpoint["model_state_dict"], tmp_path)
    assert torch.equal(other.weight, module.weight) and checkpoint["iteration"] == 5
    with pytest.raises(UserError, match=r"no checkpoint model_6\.pt"):
        load_checkpoint(tmp_path / "model_6.pt")


def test_weights_of_another_network_are_named(tmp_path: Path) -> None:
    state = {"weight": torch.zeros(3, 4), "gain": torch.zeros(1)}
    with pytest.raises(UserError) as caught:
        load_weights(torch.nn.Linear(2, 3), state, "runs/walk")
    sentence = str(caught.value)
    for words in ("runs/walk", "lacks bias", "gain in addition", "weight is [3, 4] there and [3, 2] here"):
        assert words in sentence


def test_config_entries_are_found_by_dotted_names(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"control": {"action_scale": 0.25}}')
    config = read_config(tmp_path)
    assert config_entry(config, "control.action_scale", tmp_path) == 0.25
    for name in ("control.stiffness", "task", "control.action_scale.hip"):
        with pytest.raises(UserError, match=f"lacks '{name}'"):
            config_entry(config, name, tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(UserError, match="no JSON object"):
        read_config(tmp_path)
