"""A run folder, what is logged, and the mistakes a user can make with either."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboardX.proto.event_pb2 import Event
from torch.testing import assert_close
from toys import PointMass, ToyEnv

from st_rl.runners import OnPolicyRunner
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

pytestmark = pytest.mark.usefixtures("one_thread")


def make(log_dir: Path | None = None, env: Any = None, **changes: Any) -> OnPolicyRunner:
    arguments: dict[str, Any] = {
        "policy": {"class_name": "ActorCritic", "actor_hidden_dims": [16], "critic_hidden_dims": [16]},
        "algorithm": {"entropy_coef": 0.0, "normalize_obs": True},
        "num_steps_per_env": 8,
        "save_interval": 2,
        "stream": io.StringIO(),
    }
    return OnPolicyRunner(env or PointMass(16, 20), log_dir=log_dir, **(arguments | changes))


def weights(runner: OnPolicyRunner) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in runner.alg.actor_critic.parameters()])


class Flat(PointMass):
    """The point mass, its segments under another name."""

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs)
        self.obs_segments = ObsLayout({"velocity": (2,), "place": (2,)})


class Privileged(PointMass):
    """Its critic sees one number more, the time."""

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs)
        self.critic_obs_segments = ObsLayout({**self.obs_segments, "time": (1,)})
        self.num_critic_obs = 5

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        obs, _ = super()._observe()
        time = self.episode_length_buf.float().unsqueeze(1)
        return obs, {"observations": {"critic": torch.cat((obs, time), dim=-1)}}


def test_a_run_folder_holds_what_rebuilds_the_run(tmp_path: Path) -> None:
    runner = make(tmp_path / "run", run_config={"control": {"action_scale": 0.25}}, seed=3)
    runner.learn(5)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"model_2.pt", "model_4.pt", "model_5.pt", "state_5.pt", "config.json"} <= names
    assert not [name for name in names if name.endswith(".tmp") or name == ".lock"]
    assert {"state_2.pt", "state_4.pt"} <= names  # the last three can be gone on from
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["control"] == {"action_scale": 0.25}
    assert config["policy"]["class_name"] == "ActorCritic"
    assert config["algorithm"] == {"class_name": "PPO", "entropy_coef": 0.0, "normalize_obs": True}
    assert config["obs_segments"] == [["position", [2]], ["velocity", [2]]]
    assert config["seed"] == 3
    assert config["versions"]["torch"] == torch.__version__
    assert set(config["code"]) == {"commit", "dirty"}


def events(folder: Path) -> dict[str, list[int]]:
    """Steps at which each scalar was written, from the records of the event file (length, crc, data, crc)."""
    found: dict[str, list[int]] = {}
    for path in folder.glob("events.*"):
        data = path.read_bytes()
        start = 0
        while start < len(data):
            length = int.from_bytes(data[start : start + 8], "little")
            event = Event.FromString(data[start + 12 : start + 12 + length])
            for value in event.summary.value:
                found.setdefault(value.tag, []).append(event.step)
            start += length + 16
    return found


def test_metrics_are_returned_shown_and_written(tmp_path: Path) -> None:
    stream = io.StringIO()
    metrics = make(tmp_path, stream=stream).learn(3)
    expected = {"mean_reward", "mean_episode_length", "Episode/return", "Log/distance_mse", "Log/distance_rmsd"}
    expected |= {"Loss/surrogate_loss", "Loss/kl", "time/collection", "time/update", "steps_per_second"}
    assert expected <= metrics.keys()
    assert metrics["Log/distance_rmsd"] == pytest.approx(metrics["Log/distance_mse"] ** 0.5)
    assert 0 < metrics["mean_episode_length"] <= 20
    assert events(tmp_path)["Loss/kl"] == [1, 2, 3]
    assert "iteration 3/3" in stream.getvalue()
    assert "mean_reward" in stream.getvalue()


def test_random_start_times_spread_the_episodes() -> None:
    env = PointMass(64)
    make(env=env, num_steps_per_env=1).learn(1, init_at_random_ep_len=True)
    assert env.episode_length_buf.float().std() > 5


def test_the_critic_sees_its_own_observation() -> None:
    runner = make(env=Privileged(8))
    runner.learn(2)
    assert runner.alg.storage.critic_obs.shape == (8, 8, 5)
    assert runner.alg.storage.critic_obs[..., 4].max() > 0


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = make()
    runner.learn(1)
    assert runner.save() is None
    assert not list(tmp_path.iterdir())


class Trial:
    """Prunes at the third report."""

    def __init__(self) -> None:
        self.reports: list[tuple[float, int]] = []

    def report(self, value: float, step: int) -> None:
        self.reports.append((value, step))

    def should_prune(self) -> bool:
        return len(self.reports) == 3


def test_a_trial_hears_of_every_iteration_and_may_end_it(tmp_path: Path) -> None:
    trial, runner = Trial(), make(tmp_path)
    metrics = runner.learn(10, trial=trial)
    assert [step for _, step in trial.reports] == [1, 2, 3]
    assert trial.reports[-1][0] == metrics["mean_reward"]
    assert runner.pruned
    assert (tmp_path / "model_3.pt").exists()


@pytest.mark.parametrize("class_name", ["ActorCritic", "ActorCriticRecurrent"])
def test_inference_acts_with_the_mean_on_raw_observations(class_name: str) -> None:
    runner = make(policy={"class_name": class_name})
    runner.learn(1)
    obs = torch.randn(16, 4)
    actions = runner.get_inference_policy()(obs)
    policy = runner.alg.actor_critic
    policy.reset()
    assert_close(actions, policy.act_inference(runner.alg.obs_normalizer(obs)).detach())
    assert not actions.requires_grad
    assert not actions.is_inference()


def test_evaluation_scores_whole_episodes_and_training_goes_on() -> None:
    runner = make()
    runner.learn(2)
    metrics = runner.evaluation(40)
    assert metrics["mean_episode_length"] == 20
    assert metrics["Log/distance_mse"] > 0
    before = weights(runner)
    runner.learn(1)
    assert not torch.equal(before, weights(runner))


def test_a_new_run_starts_from_the_weights_of_another(tmp_path: Path) -> None:
    first = make(tmp_path / "first")
    first.learn(2)
    second = make(tmp_path / "second", seed=5)
    second.load(tmp_path / "first", resume=False)
    assert torch.equal(weights(first), weights(second))
    assert_close(second.alg.obs_normalizer.state_dict(), first.alg.obs_normalizer.state_dict())
    assert second.iteration == 0
    second.learn(1)
    assert (tmp_path / "second" / "model_1.pt").exists()


def test_other_layouts_are_refused_or_matched_by_name(tmp_path: Path) -> None:
    make(tmp_path / "first").learn(2)
    other = make(env=Flat(16))
    with pytest.raises(UserError, match=r"other observations.*'place'.*'position'"):
        other.load(tmp_path / "first", resume=False)
    report = other.load(tmp_path / "first", resume=False, misaligned=True)
    assert report is not None
    assert report.moved["actor.fc.0.weight"] == ["velocity"]
    other.learn(1)


@pytest.mark.parametrize("resume", [False, True])
def test_a_truncated_checkpoint_is_refused(tmp_path: Path, resume: bool) -> None:
    make(tmp_path).learn(2)
    path = tmp_path / "model_2.pt"
    path.write_bytes(path.read_bytes()[:-100])
    runner = make(tmp_path)
    before = weights(runner)
    with pytest.raises(UserError, match=r"model_2.pt.*truncated"):
        runner.load(tmp_path, resume=resume)
    assert torch.equal(before, weights(runner))


def test_unfitting_resumes_say_what_differs(tmp_path: Path) -> None:
    make(tmp_path).learn(3)
    with pytest.raises(UserError, match="trains a ActorCritic, not a ActorCriticRecurrent"):
        make(policy={"class_name": "ActorCriticRecurrent"}).load(tmp_path, resume=True)
    with pytest.raises(UserError, match="weights"):
        make(policy={"actor_hidden_dims": [8]}).load(tmp_path, resume=True)
    with pytest.raises(UserError, match="normalize_obs"):
        make(algorithm={}).load(tmp_path, resume=True)
    with pytest.raises(UserError, match="16 worlds and this one 8"):
        make(env=PointMass(8)).load(tmp_path, resume=True)
    (tmp_path / "state_2.pt").unlink()
    with pytest.raises(UserError, match=r"no file .*state_2\.pt"):
        make().load(tmp_path / "model_2.pt", resume=True)
    with pytest.raises(UserError, match="no run folder"):
        make().load(tmp_path / "nowhere", resume=True)


def test_a_folder_with_checkpoints_is_not_trained_into(tmp_path: Path) -> None:
    make(tmp_path).learn(2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match="already holds checkpoints"):
        make(tmp_path).learn(2)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_folder_that_cannot_be_written_is_found_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    runner = make(tmp_path / "file" / "run")
    with pytest.raises(UserError, match="cannot write"):
        runner.learn(2)
    assert runner.iteration == 0


def test_a_full_disk_leaves_the_earlier_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = make(tmp_path)
    runner.learn(2)
    before = (tmp_path / "model_2.pt").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    runner.iteration = 3
    with pytest.raises(UserError, match=r"model_3|state_3"):
        runner.save()
    assert (tmp_path / "model_2.pt").read_bytes() == before
    assert (tmp_path / "state_2.pt").exists()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp" or "_3" in path.name]


class Explosive(PointMass):
    """Its third step rewards without bound."""

    def _advance(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        rewards, failed, log = super()._advance(actions)
        return torch.where(self.episode_length_buf == 2, torch.inf, rewards), failed, log


def test_a_loss_that_is_not_finite_ends_training_unsaved(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not finite in iteration 1"):
        make(tmp_path, env=Explosive(16)).learn(3)
    assert not list(tmp_path.glob("*.pt"))


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'ActorCritc'.*ActorCriticRecurrent"):
        make(policy={"class_name": "ActorCritc"})
    with pytest.raises(UserError, match=r"'POP'.*PPO"):
        make(algorithm_class="POP")


def test_the_toys_fulfil_the_contract() -> None:
    env: ToyEnv = Privileged(4)
    obs, extras = env.get_observations()
    assert obs.shape == (4, env.num_obs)
    assert extras["observations"]["critic"].shape == (4, env.num_critic_obs)
