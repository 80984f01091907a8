"""Collectors write trajectories, datasets play them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from st_rl.storage.rollout_files import (
    Compression,
    Metadata,
    RolloutDataset,
    RolloutFileBase,
    Trajectory,
    TrajectoryWriter,
    list_trajectories,
    write_arrays,
)
from st_rl.storage.rollout_files.array_file import ArrayFileError
from st_rl.utils.errors import UserError
from st_rl.utils.obs_layout import ObsLayout

LAYOUT = ObsLayout({"a": (2,), "image": (1, 2, 3), "b": (1,)})
PLAIN = Metadata(ObsLayout({"a": (2,)}), 1)


def write(folder: Path, lengths: list[int], metadata: Metadata = PLAIN, first: float = 0.0) -> list[Path]:
    """One trajectory of each length; every observation is ``[number of the trajectory, step]``."""
    writer = TrajectoryWriter(folder, metadata, 1, collector="test", min_length=1)
    paths: list[Path] = []
    for number, length in enumerate(lengths):
        for t in range(length):
            obs = torch.tensor([[first + number, float(t)]])
            paths += writer.add(obs, step_of(1, done=t == length - 1))
    return paths


def step_of(num_envs: int, done: bool | list[bool] = False, **more: Any) -> dict[str, torch.Tensor]:
    dones = torch.tensor([done] * num_envs if isinstance(done, bool) else done)
    return {
        "actions": torch.zeros(num_envs, 1),
        "rewards": torch.arange(num_envs).float(),
        "dones": dones,
        "time_outs": torch.zeros(num_envs, dtype=torch.bool),
        **more,
    }


def played(dataset: RolloutDataset) -> list[list[tuple[float, float, bool]]]:
    """``(trajectory, step, done)`` of every environment."""
    steps = [torch.cat((step.obs, step.dones.unsqueeze(1).float()), 1).tolist() for step in dataset]
    return [[(row[0], row[1], bool(row[2])) for row in column] for column in zip(*steps, strict=True)]


def test_a_trajectory_is_played_step_by_step_and_ends_with_a_done(tmp_path: Path) -> None:
    write(tmp_path, [3, 2])
    (column,) = played(RolloutDataset(tmp_path, 1, shuffle=False))
    assert column == [(0, 0, False), (0, 1, False), (0, 2, True), (1, 0, False), (1, 1, True)]


@pytest.mark.parametrize("chunk_length", [1, 2, 3, 64])
def test_chunks_do_not_show(tmp_path: Path, chunk_length: int) -> None:
    write(tmp_path, [5, 3])
    (column,) = played(RolloutDataset(tmp_path, 1, shuffle=False, chunk_length=chunk_length))
    assert column == [(0, t, t == 4) for t in range(5)] + [(1, t, t == 2) for t in range(3)]


def test_environments_play_side_by_side(tmp_path: Path) -> None:
    write(tmp_path, [2, 3, 4, 3])
    columns = played(RolloutDataset(tmp_path, 2, shuffle=False))
    assert columns[0] == [(0, 0, False), (0, 1, True), (2, 0, False), (2, 1, False), (2, 2, False), (2, 3, True)]
    assert columns[1] == [(1, 0, False), (1, 1, False), (1, 2, True), (3, 0, False), (3, 1, False), (3, 2, True)]


def test_loops_repeat_and_take_in_what_was_written_meanwhile(tmp_path: Path) -> None:
    write(tmp_path, [1])
    dataset = RolloutDataset(tmp_path, 1, dataset_loops=2, shuffle=False)
    first = dataset.next_step()
    write(tmp_path, [1], first=7.0)
    rest = [float(step.obs[0, 0]) for step in dataset]
    assert first is not None and float(first.obs[0, 0]) == 0.0
    assert rest == [0.0, 7.0]
    assert dataset.next_step() is None


def test_without_end_it_goes_on(tmp_path: Path) -> None:
    write(tmp_path, [2])
    dataset = RolloutDataset(tmp_path, 3, dataset_loops=-1)
    for _ in range(50):
        assert dataset.next_step() is not None


def test_shuffling_plays_every_trajectory_once_in_an_order_that_the_seed_decides(tmp_path: Path) -> None:
    write(tmp_path, [1] * 20)
    orders = [[row[0] for row in played(RolloutDataset(tmp_path, 1, seed=seed))[0]] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == [float(i) for i in range(20)]


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    write(tmp_path, [1, 1, 1, 1])
    (column,) = played(RolloutDataset(tmp_path, 1, shuffle=False, keep_latest_n_trajs=2))
    assert [row[0] for row in column] == [2.0, 3.0]
    assert len(list_trajectories(tmp_path)) == 4
    played(RolloutDataset(tmp_path, 1, keep_latest_n_trajs=3, remove_older=True))
    assert len(list_trajectories(tmp_path)) == 3


def test_a_random_start_leaves_a_tail_of_the_trajectory(tmp_path: Path) -> None:
    write(tmp_path, [10] * 30)
    (column,) = played(RolloutDataset(tmp_path, 1, shuffle=False, random_start_frame=True))
    starts: dict[float, float] = {}
    for number, t, _ in column:
        starts.setdefault(number, t)
    assert len(starts) == 30 and len(set(starts.values())) > 4
    for number, start in starts.items():
        assert [t for n, t, _ in column if n == number] == [float(t) for t in range(int(start), 10)]


def test_a_cut_trajectory_counts_as_timed_out(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path, PLAIN, 1, max_length=3)
    for t in range(3):
        writer.add(torch.tensor([[0.0, float(t)]]), step_of(1))
    steps = list(RolloutDataset(tmp_path, 1))
    assert [bool(step.dones) for step in steps] == [False, False, True]
    assert [bool(step.time_outs) for step in steps] == [False, False, True]


def test_worlds_end_on_their_own(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path, PLAIN, 3, min_length=1)
    written = []
    for t, done in enumerate([[False, True, False], [True, False, False], [False, True, False]]):
        written += writer.add(torch.tensor([[float(i), float(t)] for i in range(3)]), step_of(3, done))
    found = [Trajectory(path, PLAIN).read(0, 9) for path in written]
    assert [trajectory["obs"].tolist() for trajectory in found] == [
        [[1.0, 0.0]],
        [[0.0, 0.0], [0.0, 1.0]],
        [[1.0, 1.0], [1.0, 2.0]],
    ]
    assert [trajectory["rewards"].tolist() for trajectory in found] == [[1.0], [0.0, 0.0], [1.0, 1.0]]


def test_short_trajectories_are_dropped(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path, PLAIN, 1, min_length=2)
    assert writer.add(torch.zeros(1, 2), step_of(1, done=True)) == []
    assert list_trajectories(tmp_path) == []


def test_compressed_segments_are_put_back_into_their_places(tmp_path: Path) -> None:
    compression = {"image": Compression("uint8", low=-1.0, high=1.0), "b": Compression("float16")}
    critic = ObsLayout({"c": (3,)})
    metadata = Metadata(LAYOUT, 1, critic, compression, {"action_labels": (1,)})
    writer = TrajectoryWriter(tmp_path, metadata, 1, min_length=1)
    torch.manual_seed(0)
    obs, critic_obs, labels = torch.rand(4, 1, 9) * 2 - 1, torch.randn(4, 1, 3), torch.randn(4, 1, 1)
    for t in range(4):
        more = {"critic_obs": critic_obs[t], "action_labels": labels[t]}
        writer.add(obs[t], step_of(1, done=t == 3, **more))
    (path,) = list_trajectories(tmp_path)
    stored = Trajectory(path, metadata).read(0, 4)
    assert stored["obs/image"].dtype is torch.uint8 and stored["obs"].shape == (4, 2)
    steps = list(RolloutDataset(tmp_path, 1))
    found = torch.stack([step.obs for step in steps])
    assert torch.equal(found[..., :2], obs[..., :2])
    torch.testing.assert_close(found[..., 2:8], obs[..., 2:8], rtol=0, atol=1.01 / 255)
    torch.testing.assert_close(found[..., 8:], obs[..., 8:], rtol=1e-3, atol=1e-4)
    assert torch.equal(torch.stack([s.critic_obs for s in steps if s.critic_obs is not None]), critic_obs)
    assert torch.equal(torch.stack([s.fields["action_labels"] for s in steps]), labels)


def test_values_outside_the_range_are_clipped() -> None:
    compression = Compression("uint8", low=0.0, high=2.0)
    values = torch.tensor([-5.0, 0.0, 1.0, 2.0, 9.0])
    assert compression.encode(values).tolist() == [0, 0, 128, 255, 255]
    torch.testing.assert_close(
        compression.decode(compression.encode(values)), torch.tensor([0.0, 0.0, 1.0039216, 2, 2])
    )


def spoil(path: Path, how: str) -> None:
    arrays = {name: values.numpy() for name, values in Trajectory(path, PLAIN).read(0, 99).items()}
    if how == "truncated":
        path.write_bytes(path.read_bytes()[:-1])
    elif how == "wrong width":
        write_arrays(path, arrays | {"obs": arrays["obs"][:, :1]}, {})
    elif how == "wrong type":
        write_arrays(path, arrays | {"obs": arrays["obs"].astype("float16")}, {})
    elif how == "an array missing":
        del arrays["rewards"]
        write_arrays(path, arrays, {})
    elif how == "lengths differ":
        write_arrays(path, arrays | {"rewards": arrays["rewards"][:1]}, {})
    elif how == "no steps":
        write_arrays(path, {name: array[:0] for name, array in arrays.items()}, {})
    elif how == "not finite":
        arrays["obs"][1, 0] = float("nan")
        write_arrays(path, arrays, {})


DAMAGES = ["truncated", "wrong width", "wrong type", "an array missing", "lengths differ", "no steps", "not finite"]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_trajectory_is_left_out_with_a_warning(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    paths = write(tmp_path, [2, 3])
    spoil(paths[0], how)
    with pytest.raises(ArrayFileError, match=paths[0].name):
        Trajectory(paths[0], PLAIN)
    dataset = RolloutDataset(tmp_path, 1, dataset_loops=2, shuffle=False)
    (column,) = played(dataset)
    assert [row[0] for row in column] == [1.0] * 6
    assert dataset.refused == {paths[0].name}
    assert len([record for record in caplog.records if paths[0].name in record.message]) == 1


def test_nothing_but_damaged_files_ends_even_an_endless_dataset(tmp_path: Path) -> None:
    (path,) = write(tmp_path, [2])
    spoil(path, "truncated")
    assert RolloutDataset(tmp_path, 1, dataset_loops=-1).next_step() is None


def test_unfinished_and_foreign_files_are_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path, [1])
    for name in (".00000000000000000001_test_00000000.traj.77.tmp", "notes.txt", "evil.traj", "../evil.traj"):
        (tmp_path / name).write_bytes(b"\x80\x04.")
    assert len(list_trajectories(tmp_path)) == 1


def test_a_new_writer_clears_what_its_namesake_left_half_written(tmp_path: Path) -> None:
    mine = tmp_path / ".00000000000000000001_test_00000000.traj.77.tmp"
    other = tmp_path / ".00000000000000000001_other_00000000.traj.78.tmp"
    mine.touch()
    other.touch()
    TrajectoryWriter(tmp_path, PLAIN, 1, collector="test")
    assert not mine.exists() and other.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "start a collector"), ("{", "cannot be read"), ("[]", "does not describe"), ("{}", "does not describe")],
)
def test_a_folder_without_usable_metadata_is_a_user_error(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "metadata.json").write_text(text)
    with pytest.raises(UserError, match=message):
        RolloutDataset(tmp_path, 1)


def test_metadata_round_trips_and_guards_its_folder(tmp_path: Path) -> None:
    metadata = Metadata(LAYOUT, 3, LAYOUT, {"image": Compression("uint8", 0.0, 2.0)}, {"action_labels": (3,)})
    metadata.save(tmp_path)
    assert Metadata.load(tmp_path) == metadata
    metadata.save(tmp_path)
    with pytest.raises(UserError, match="another kind"):
        PLAIN.save(tmp_path)


def test_waiting_for_a_collector_ends(tmp_path: Path) -> None:
    PLAIN.save(tmp_path)
    assert RolloutDataset(tmp_path, 1, wait_seconds=0.05).next_step() is None


def test_the_base_asks_for_its_method(tmp_path: Path) -> None:
    PLAIN.save(tmp_path)
    with pytest.raises(NotImplementedError, match="next_step"):
        next(iter(RolloutFileBase(tmp_path, 1)))


@pytest.mark.parametrize("name", ["a_b", "", "../x"])
def test_a_collector_needs_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot name a collector"):
        TrajectoryWriter(tmp_path, PLAIN, 1, collector=name)
