"""Sub-policies from run folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from policy_cases import (
    CRITIC_LAYOUT,
    LAYOUT,
    NETWORKS,
    NUM_ACTIONS,
    RECURRENT,
    RNN,
    Case,
    build_mutex,
    write_case,
    write_run,
)

from st_rl.modules import POLICY_CLASSES
from st_rl.utils.errors import UserError
from st_rl.utils.export import as_exportable

PLAIN = Case("ActorCritic")


def edit_config(folder: Path, change: Any) -> Path:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def build_one(folder: Path) -> Any:
    return build_mutex("ActorCriticMutex", [folder])


def test_the_base_class_does_not_say_who_acts(tmp_path: Path) -> None:
    policy = build_one(write_case(tmp_path / "run", PLAIN))
    with pytest.raises(NotImplementedError):
        policy.act(torch.zeros(1, LAYOUT.size))
    with pytest.raises(NotImplementedError):
        policy.act_inference(torch.zeros(1, LAYOUT.size))
    with pytest.raises(UserError, match="sub-policies"):
        as_exportable(policy)


def test_the_highest_iteration_is_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    old, new = PLAIN.build(), PLAIN.build()
    for policy, iteration in ((new, 1000), (old, 200), (old, 999)):
        write_run(folder, policy, "ActorCritic", NETWORKS, iteration=iteration)
    (folder / "model_best.pt").write_bytes(b"not a checkpoint of an iteration")
    loaded = build_one(folder).submodules[0]
    assert torch.equal(loaded.actor.mean.weight, new.actor.mean.weight)


def test_the_class_of_the_run_wins_over_the_given_one(tmp_path: Path) -> None:
    folder = write_case(tmp_path / "run", Case("ActorCriticRecurrent", RNN))
    policy = build_one(folder)  # asks for ActorCritic
    assert type(policy.submodules[0]).__name__ == "ActorCriticRecurrent" and policy.is_recurrent
    plain = edit_config(write_case(tmp_path / "plain", PLAIN), lambda config: config["policy"].pop("class_name"))
    assert type(build_one(plain).submodules[0]).__name__ == "ActorCritic"


def test_sub_policies_are_frozen_and_only_the_critic_learns(tmp_path: Path) -> None:
    paths = [write_case(tmp_path / f"run_{index}", PLAIN) for index in range(5)]
    policy = build_mutex("ActorCriticFieldMutex", paths).train()
    assert not any(module.training for module in policy.submodules) and policy.critic.training
    obs, critic_obs = torch.randn(4, LAYOUT.size), torch.randn(4, CRITIC_LAYOUT.size)
    log_probs, entropy, values = policy.evaluate_actions(obs, torch.randn(4, NUM_ACTIONS), critic_obs)
    assert log_probs.shape == entropy.shape == (4,) and values.shape == (4, 1)
    (log_probs.sum() + entropy.sum() + values.sum()).backward()
    learned = {name for name, parameter in policy.named_parameters() if parameter.grad is not None}
    assert learned == {"actor.log_std"} | {name for name, _ in policy.named_parameters() if name.startswith("critic.")}


def test_a_mutex_can_be_saved_and_loaded(tmp_path: Path) -> None:
    paths = [write_case(tmp_path / f"run_{index}", PLAIN) for index in range(5)]
    first = build_mutex("ActorCriticFieldMutex", paths)
    for path in paths:
        write_case(path, PLAIN)  # other weights
    second = build_mutex("ActorCriticFieldMutex", paths)
    obs = torch.randn(4, LAYOUT.size)
    assert not torch.equal(first.act_inference(obs), second.act_inference(obs))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.act_inference(obs), second.act_inference(obs))


def remove(*keys: str) -> Any:
    def change(config: dict[str, Any]) -> None:
        for key in keys[:-1]:
            config = config[key]
        del config[keys[-1]]

    return change


def put(key: str, value: Any) -> Any:
    return lambda config: config.__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (remove("policy"), "lacks 'policy'"),
        (remove("control", "action_scale"), r"lacks 'control\.action_scale'"),
        (remove("obs_segments"), "lacks 'obs_segments'"),
        (remove("critic_obs_segments"), "lacks 'critic_obs_segments'"),
        (put("policy", 3), "no object"),
        (put("obs_segments", [["a"]]), "'obs_segments'.*pairs"),
        (put("control", {"action_scale": [0.5, 0.5]}), "3 of them"),
        (put("control", {"action_scale": -1}), "positive"),
        (put("obs_segments", [["proprioception", [16]], ["base_pose", [6]]]), "only the run has 'base_pose'"),
        (put("obs_segments", [["proprioception", [17]]]), r"\[16\] in the environment and \[17\] in the run"),
        (put("obs_segments", [["proprioception", [16]]]), r"actor\.fc\.0\.weight is \[16, 75\] there and \[16, 16\]"),
        (put("policy", {**NETWORKS, "class_name": "NoSuch"}), "unknown policy class 'NoSuch'"),
        (put("policy", {**NETWORKS, "class_name": "ActorCritic", "depth": 3}), "'depth'"),
        (put("policy", {**NETWORKS, **RNN, "class_name": "ActorCriticRecurrent"}), "lacks memory_a"),
        (put("policy", {**NETWORKS, "activation": "no_such"}), "unknown activation"),
    ],
)
def test_a_run_that_does_not_fit_is_an_error_with_its_folder(tmp_path: Path, change: Any, words: str) -> None:
    folder = edit_config(write_case(tmp_path / "skill_run", PLAIN), change)
    with pytest.raises(UserError, match=words) as caught:
        build_one(folder)
    assert "skill_run" in str(caught.value)


def test_the_field_mutex_needs_the_velocity_scale(tmp_path: Path) -> None:
    paths = [write_case(tmp_path / f"run_{index}", PLAIN) for index in range(5)]
    edit_config(paths[2], remove("normalization", "obs_scales"))
    with pytest.raises(UserError, match=r"run_2.*normalization\.obs_scales\.lin_vel"):
        build_mutex("ActorCriticFieldMutex", paths)


class Hostile:
    """Pickles to code that would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self.trace,)


def test_broken_and_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    folder = write_case(tmp_path / "skill_run", PLAIN)
    checkpoint = folder / "model_100.pt"
    whole = checkpoint.read_bytes()
    broken = {
        "truncated": whole[: len(whole) // 2],
        "short": whole[:10],
        "empty": b"",
        "text": b"this is no checkpoint",
        "json": b"{}",
    }
    for content in broken.values():
        checkpoint.write_bytes(content)
        with pytest.raises(UserError, match=r"model_100\.pt in run folder '.*skill_run'"):
            build_one(folder)
    for state in ({"weights": torch.zeros(1)}, [torch.zeros(1)], {"model_state_dict": 3}):
        torch.save(state, checkpoint)
        with pytest.raises(UserError, match=r"skill_run' has no model_state_dict"):
            build_one(folder)
    torch.save({"model_state_dict": {}, "more": Hostile(tmp_path / "trace")}, checkpoint)
    with pytest.raises(UserError, match="more than tensors"):
        build_one(folder)
    assert not (tmp_path / "trace").exists()


def test_missing_folders_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run folder '.*nowhere'"):
        build_one(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match=r"'.*empty' has no config\.json"):
        build_one(empty)
    folder = write_case(tmp_path / "run", PLAIN)
    (folder / "model_100.pt").unlink()
    with pytest.raises(UserError, match="no checkpoint"):
        build_one(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        build_one(folder)


def test_every_single_policy_class_can_be_a_sub_policy(tmp_path: Path) -> None:
    from policy_cases import SINGLE

    for index, case in enumerate(SINGLE):
        policy = build_one(write_case(tmp_path / f"run_{index}", case))
        assert isinstance(policy.submodules[0], POLICY_CLASSES[case.class_name])
        assert policy.sub_policy_actions(torch.randn(2, LAYOUT.size)).shape == (2, 1, NUM_ACTIONS)


def test_leaving_out_what_is_not_active_changes_nothing_for_the_rest(tmp_path: Path) -> None:
    cases = [PLAIN, Case("ActorCriticRecurrent", RNN), Case("ActorCritic", {"mu_activation": "tanh"})]
    policy = build_mutex("ActorCriticMutex", [write_case(tmp_path / f"run_{i}", case) for i, case in enumerate(cases)])
    obs = torch.randn(6, LAYOUT.size)
    active = torch.tensor([[1, 0, 0], [0, 1, 0], [1, 1, 0]] * 2).bool()
    whole = policy.sub_policy_actions(obs)
    policy.reset()
    some = policy.sub_policy_actions(obs, active)
    torch.testing.assert_close(some[active], whole[active])
    assert (some[:, 2] == 0).all() and torch.equal(some[:, 1], whole[:, 1])


def test_forgetting_is_running_on_all_worlds_and_then_resetting_the_inactive(tmp_path: Path) -> None:
    cases = [case for case in RECURRENT if "use_actor_rnn" not in case.kwargs]
    paths = [write_case(tmp_path / f"run_{i}", case) for i, case in enumerate(cases)]
    first, second = build_mutex("ActorCriticMutex", paths), build_mutex("ActorCriticMutex", paths)
    for step in range(4):
        obs = torch.randn(6, LAYOUT.size)
        active = torch.rand(6, len(cases)) < 0.4
        active[:, step] = False  # a sub-policy that nobody needs
        some = first.sub_policy_actions(obs, active, forget_inactive=True)
        whole = second.sub_policy_actions(obs)
        for index, module in enumerate(second.submodules):
            module.reset(~active[:, index])
        torch.testing.assert_close(some[active], whole[active])
