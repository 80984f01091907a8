"""Exported files; that every policy class exports faithfully is in its contract."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from st_rl.modules import ActorCritic, ActorCriticRecurrent, EmpiricalNormalization
from st_rl.utils.errors import UserError
from st_rl.utils.export import as_exportable, export_onnx, export_torchscript


@pytest.mark.filterwarnings("ignore:.*torch.jit.load.*:DeprecationWarning")
def test_the_normalizer_is_part_of_the_file(tmp_path: Path) -> None:
    policy = ActorCritic(4, 4, 2, actor_hidden_dims=[8], critic_hidden_dims=[8])
    torch.nn.init.normal_(policy.actor.mean.weight)
    normalizer = EmpiricalNormalization(4)
    normalizer.update(torch.randn(100, 4) * 3 + 5)
    export_torchscript(policy, tmp_path / "deep" / "policy.pt", normalizer)
    obs = torch.randn(7, 4) + 5
    loaded = torch.jit.load(str(tmp_path / "deep" / "policy.pt"))
    torch.testing.assert_close(loaded(obs), policy.act_inference(normalizer(obs)))
    assert not torch.allclose(loaded(obs), policy.act_inference(obs), atol=1e-2)
    assert normalizer.training and policy.training  # the originals are left alone


def test_a_policy_in_the_middle_of_a_rollout_can_be_exported(tmp_path: Path) -> None:
    policy = ActorCriticRecurrent(4, 4, 2, rnn_hidden_size=6)
    with torch.inference_mode():
        policy.act(torch.randn(5, 4))
        expected = policy.get_hidden_states().actor.hidden.clone()
    assert export_torchscript(policy, tmp_path / "policy.pt") < 1e-5
    assert torch.equal(policy.get_hidden_states().actor.hidden, expected)


def test_hidden_states_are_inputs_and_outputs(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    policy = ActorCriticRecurrent(4, 4, 2, rnn_hidden_size=6, rnn_num_layers=2)
    error = export_onnx(policy, tmp_path / "policy.onnx")
    assert error < 1e-5
    graph = onnx.load(tmp_path / "policy.onnx").graph
    assert [value.name for value in graph.input] == ["observations", "hidden_0", "cell_0"]
    assert [value.name for value in graph.output] == ["actions", "new_hidden_0", "new_cell_0"]
    exportable = as_exportable(policy)
    assert [state.shape for state in exportable.zero_states(3)] == [(2, 3, 6)] * 2


def test_a_wrong_file_would_be_noticed(tmp_path: Path) -> None:
    from st_rl.utils.export import _largest_error

    exportable = as_exportable(ActorCritic(4, 4, 2))
    assert _largest_error(exportable, lambda inputs: [exportable(inputs[0]) + 0.5]) == pytest.approx(0.5)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "policy.pt", tmp_path):
        with pytest.raises(UserError, match="choose another folder"):
            export_torchscript(ActorCritic(4, 4, 2), target)
