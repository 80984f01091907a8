"""Files that are broken in every way that was thought of are one sentence wherever they are read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_runs import write_toy_run, write_toy_skills

from legged_gym_ext.evaluation.report import read_report
from legged_gym_ext.evaluation.shipped import headline, shipped_tables
from legged_gym_ext.runs import folders as runs, mutex
from st_rl.datasets.motion_file import load_motion
from st_rl.utils.errors import UserError

WRONG: list[Any] = [None, True, -1, 0, 1e300, 10**400, "x", "", [], [1], [[]], {}, {"a": {}}]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_run(tmp_path_factory.mktemp("runs") / "go1_walk", "go1_walk")


def one_sentence(read: Callable[[], object]) -> None:
    """Reading either works or says in one line what is wrong."""
    try:
        read()
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 1500


def paths(value: Any, prefix: tuple[str, ...] = (), depth: int = 3) -> list[tuple[str, ...]]:
    """Places of the entries of nested objects."""
    if not isinstance(value, dict) or depth == 0:
        return []
    return [p for key in value for p in [(*prefix, key), *paths(value[key], (*prefix, key), depth - 1)]]


def test_entries_of_any_wrong_kind(run: Path, tmp_path: Path) -> None:
    original = json.loads((run / "config.json").read_text())
    copy = tmp_path / "go1_walk"
    shutil.copytree(run, copy)
    places = [p for p in paths(original) if p[:2] != ("env", "rewards")]
    checked = 0
    for index, place in enumerate(places):
        for value in (WRONG[index % len(WRONG)], WRONG[(index + 5) % len(WRONG)]):
            config = json.loads(json.dumps(original))
            entry = config
            for key in place[:-1]:
                entry = entry[key]
            entry[place[-1]] = value
            (copy / "config.json").write_text(json.dumps(config))
            one_sentence(lambda: runs.load_run(copy))
            one_sentence(lambda: runs.load_policy(copy))
            checked += 1
    assert checked > 150


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "3",
        '"text"',
        "[" * 100_000,
        '{"env": ' * 5_000 + "1" + "}" * 5_000,
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 10_000 + "}",
        "\x00\x01",
        '{"task": "go1_walk"}',
    ],
    ids=range(14),
)
def test_text_that_is_no_configuration(text: str, run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "go1_walk"
    shutil.copytree(run, copy)
    (copy / "config.json").write_text(text)
    for read in (runs.load_run, runs.load_policy, mutex.mutex_skills):
        if read is mutex.mutex_skills and text.startswith('{"task"'):
            continue
        with pytest.raises(UserError, match=r"config\.json") as caught:
            read(copy)  # type: ignore[operator]
        assert "\n" not in str(caught.value)
    (copy / "config.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"config\.json"):
        runs.load_run(copy)


@pytest.mark.parametrize("skills", [3, "walk", ["walk"], [1, 2], {"walk": 1}, None])
def test_a_mutex_whose_lists_do_not_fit(skills: Any, tmp_path: Path) -> None:
    toys = write_toy_skills(tmp_path)
    from legged_gym_ext.tasks.registry import get_task

    folder = mutex.make_mutex(tmp_path / "go1_mutex", get_task("go1_field"), toys)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"skills": skills}))
    with pytest.raises(UserError, match="'skills' do not fit"):
        mutex.policy_facts(folder)


@pytest.mark.parametrize(
    "state",
    [
        {"model_state_dict": {"a": 3}},
        {"model_state_dict": {3: torch.zeros(1)}},
        {"model_state_dict": {"a": torch.zeros(2).to_sparse()}},
        {"model_state_dict": [torch.zeros(1)]},
        {"model_state_dict": {}, "obs_normalizer_state_dict": 3},
        {"actor_state_dict": {}},
        {"actor_state_dict": {"mlp.x": torch.zeros(1)}, "critic_state_dict": {}},
        {"actor_state_dict": {"cnn.0.weight": torch.zeros(1)}, "critic_state_dict": {}},
        [1, 2],
        torch.zeros(3),
    ],
    ids=range(10),
)
def test_checkpoints_with_other_things_than_weights(state: Any, run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "go1_walk"
    shutil.copytree(run, copy)
    torch.save(state, copy / "model_3.pt")
    with pytest.raises(UserError) as caught:
        runs.load_policy(copy)
    assert "\n" not in str(caught.value) and "go1_walk" in str(caught.value)


def test_one_broken_evaluation_does_not_hide_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = {
        "protocol": "walk",
        "fall_rate": 0.25,
        "fall_rate_interval": [0.1, 0.4],
        "tracking_rmse_lin": 0.1,
        "tracking_rmse_yaw": 0.2,
        "cost_of_transport": 1.0,
    }
    broken = [
        "{",
        "[]",
        "3",
        '{"protocol": 3}',
        json.dumps(whole | {"fall_rate": "x"}),
        '{"protocol": "rpl"}',
        "[" * 9999,
    ]
    for index, text in enumerate([json.dumps(whole), *broken]):
        (tmp_path / f"policy_{index}").mkdir()
        (tmp_path / f"policy_{index}" / "evaluation.json").write_text(text)
    tables = shipped_tables(tmp_path)
    assert list(tables) == ["walk"] and tables["walk"].count("policy_") == 1
    assert caplog.text.count("is left out") == len(broken)
    for index in range(len(broken) + 1):
        assert isinstance(headline(read_report(tmp_path / f"policy_{index}" / "evaluation.json")), str)


@pytest.mark.parametrize(
    "change",
    [
        {"frame_duration": 1e-300},
        {"frame_duration": 1e300},
        {"frame_duration": "fast"},
        {"weight": 1e300},
        {"frames": [[1e30, 0, 0, 0, 1], [0, 0, 0, 0, 1]]},
        {"frames": [[1, 0, 0, 0, 1]]},
        {"frames": [[None] * 5] * 2},
        {"frames": "none"},
        {"fields": [["height", [10**12]], ["base_rot", [4]]]},
        {"fields": [["height", [-1]]]},
        {"fields": 3},
    ],
)
def test_motions_with_absurd_numbers(change: dict[str, Any], tmp_path: Path) -> None:
    motion = {
        "frame_duration": 0.02,
        "fields": [["height", [1]], ["base_rot", [4]]],
        "frames": [[0.3, 0, 0, 0, 1], [0.3, 0, 0, 0, 1]],
    }
    path = tmp_path / "trot.json"
    path.write_text(json.dumps(motion))
    assert load_motion(path).duration == pytest.approx(0.02)
    path.write_text(json.dumps(motion | change))
    with pytest.raises(UserError, match=r"trot\.json") as caught:
        load_motion(path)
    assert "\n" not in str(caught.value)
