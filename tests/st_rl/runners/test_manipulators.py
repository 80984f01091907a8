"""Changes to a checkpoint by name, before a new run starts from it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import PointMass

from st_rl.runners import OnPolicyRunner
from st_rl.runners.manipulators import MANIPULATORS, manipulate
from st_rl.utils.errors import UnknownNameError, UserError
from st_rl.utils.obs_layout import ObsLayout

pytestmark = pytest.mark.usefixtures("one_thread")

NETWORKS: dict[str, Any] = {"actor_hidden_dims": [8], "critic_hidden_dims": [8]}


class Timed(PointMass):
    """Its critic sees the time as well."""

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs)
        self.critic_obs_segments = ObsLayout({**self.obs_segments, "time": (1,)})
        self.num_critic_obs = 5

    def _observe(self) -> tuple[torch.Tensor, dict[str, Any]]:
        obs, _ = super()._observe()
        time = self.episode_length_buf.float().unsqueeze(1)
        return obs, {"observations": {"critic": torch.cat((obs, time), dim=-1)}}


class Renamed(PointMass):
    """The position under another name."""

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs)
        self.obs_segments = ObsLayout({"place": (2,), "velocity": (2,)})


def make(env: PointMass, log_dir: Path | None = None, seed: int = 0, **changes: Any) -> OnPolicyRunner:
    arguments: dict[str, Any] = {"policy": NETWORKS, "algorithm": {"normalize_obs": True}, "num_steps_per_env": 6}
    return OnPolicyRunner(env, log_dir=log_dir, seed=seed, stream=io.StringIO(), **(arguments | changes))


def trained(folder: Path, **changes: Any) -> dict[str, torch.Tensor]:
    """Weights of a run of one iteration that was saved to ``folder``."""
    runner = make(PointMass(8), folder, **changes)
    runner.learn(1)
    return weights(runner)


def weights(runner: OnPolicyRunner) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in runner.alg.actor_critic.state_dict().items()}


def origins(runner: OnPolicyRunner, own: dict[str, torch.Tensor], loaded: dict[str, torch.Tensor]) -> dict[str, str]:
    """Say for each weight whether the new run has its own one or that of the checkpoint."""
    now = weights(runner)
    return {name: "own" if torch.equal(now[name], own[name]) else "loaded" for name in loaded}


def test_a_new_critic_may_read_something_else(tmp_path: Path) -> None:
    old = trained(tmp_path)
    runner = make(Timed(8), seed=1)
    own = weights(runner)
    with pytest.raises(UserError, match="other critic observations"):
        runner.load(tmp_path, resume=False)
    runner.load(tmp_path, resume=False, manipulators=["new_critic"])
    now = weights(runner)
    for name, value in now.items():
        assert torch.equal(value, own[name] if name.startswith("critic.") else old[name])
    critic_normalizer: Any = runner.alg.critic_obs_normalizer
    normalizer: Any = runner.alg.obs_normalizer
    assert int(critic_normalizer.count) == 0 and int(normalizer.count) == 48
    runner.learn(1)


def test_the_noise_starts_anew(tmp_path: Path) -> None:
    old = trained(tmp_path, policy=NETWORKS | {"init_noise_std": 0.3})
    runner = make(PointMass(8), seed=1)
    runner.load(tmp_path, resume=False, manipulators=["reset_std"])
    torch.testing.assert_close(runner.alg.actor_critic.std, torch.ones(2))
    assert torch.equal(weights(runner)["actor.mean.weight"], old["actor.mean.weight"])
    runner.load(tmp_path, resume=False, manipulators=["reset_std:0.5"])
    torch.testing.assert_close(runner.alg.actor_critic.std, torch.full((2,), 0.5))
    for wrong in ("reset_std:-1", "reset_std:nan", "reset_std:much"):
        with pytest.raises(UserError, match="positive standard deviation"):
            runner.load(tmp_path, resume=False, manipulators=[wrong])


def encoding(name: str, *more: str) -> dict[str, Any]:
    encoders = {"encoder_component_names": [name, *more], "encoder_kwargs": {"hidden_sizes": [6]}}
    shared = {"critic_encoder_component_names": "shared"}
    return NETWORKS | {"class_name": "EncoderActorCritic"} | encoders | shared


def test_encoders_start_anew_all_or_by_name(tmp_path: Path) -> None:
    old = trained(tmp_path, policy=encoding("position", "velocity"))
    for entry, fresh in (("new_encoders", ("position", "velocity")), ("new_encoders:velocity", ("velocity",))):
        runner = make(PointMass(8), seed=1, policy=encoding("position", "velocity"))
        found = origins_after(runner, tmp_path, old, entry)
        own = {name for name, origin in found.items() if origin == "own" and "weight" in name}
        assert own == {f"encoders.{name}.model.0.weight" for name in fresh}
    with pytest.raises(UserError, match="no encoder friction"):
        runner.load(tmp_path, resume=False, manipulators=["new_encoders:friction"])


def origins_after(runner: OnPolicyRunner, folder: Path, old: dict[str, torch.Tensor], *entries: str) -> dict[str, str]:
    own = weights(runner)
    runner.load(folder, resume=False, manipulators=entries)
    return origins(runner, own, old)


def test_an_encoder_serves_a_segment_of_another_name(tmp_path: Path) -> None:
    old = trained(tmp_path, policy=encoding("position"), algorithm={})
    runner = make(Renamed(8), seed=1, policy=encoding("place"), algorithm={})
    report = runner.load(tmp_path, resume=False, misaligned=True, manipulators=["rename_encoder:position=place"])
    assert report is not None and "encoders.place.model.0.bias" in report.copied
    assert torch.equal(weights(runner)["encoders.place.model.0.bias"], old["encoders.position.model.0.bias"])
    for wrong in ("rename_encoder", "rename_encoder:speed=place", "rename_encoder:position"):
        with pytest.raises(UserError, match=r"old=new.*\(position\)"):
            runner.load(tmp_path, resume=False, misaligned=True, manipulators=[wrong])


@pytest.mark.parametrize("normalize", [True, False])
def test_statistics_start_anew_or_are_dropped(tmp_path: Path, normalize: bool) -> None:
    trained(tmp_path)
    runner = make(PointMass(8), seed=1, algorithm={"normalize_obs": normalize})
    runner.load(tmp_path, resume=False, manipulators=["new_normalizers"])
    normalizer: Any = runner.alg.obs_normalizer
    assert not normalize or int(normalizer.count) == 0


def test_matching_segments_leaves_what_was_replaced_alone(tmp_path: Path) -> None:
    old = trained(tmp_path)

    class Both(Timed, Renamed):
        """Another layout of both observations."""

    runner = make(Both(8), seed=1)
    own = weights(runner)
    entries = ["new_critic", "new_normalizers"]
    report = runner.load(tmp_path, resume=False, misaligned=True, manipulators=entries)
    assert report is not None and report.moved == {"actor.fc.0.weight": ["velocity"]}
    now = weights(runner)
    assert all(torch.equal(now[name], own[name]) for name in now if name.startswith("critic."))
    assert torch.equal(now["actor.fc.0.weight"][:, 2:], old["actor.fc.0.weight"][:, 2:])
    runner.learn(1)


def test_unknown_names_list_the_known_ones_and_nothing_is_changed(tmp_path: Path) -> None:
    trained(tmp_path)
    runner = make(PointMass(8), seed=1)
    own = weights(runner)
    with pytest.raises(UnknownNameError, match=r"'new_actor'.*new_critic.*reset_std"):
        runner.load(tmp_path, resume=False, manipulators=["reset_std", "new_actor"])
    with pytest.raises(UserError, match="a resumed run goes on as it was"):
        runner.load(tmp_path, resume=True, manipulators=["reset_std"])
    assert all(torch.equal(own[name], value) for name, value in weights(runner).items())


def test_the_checkpoint_that_was_read_is_left_alone() -> None:
    algorithm = make(PointMass(8), policy=encoding("position")).alg
    state = algorithm.state_dict()
    before = {name: value.clone() for name, value in state["model_state_dict"].items()}
    arguments = {"rename_encoder": ":position=place"}
    for name in MANIPULATORS:
        manipulate(state, algorithm, [name + arguments.get(name, "")])
    assert state["model_state_dict"].keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in state["model_state_dict"].items())
