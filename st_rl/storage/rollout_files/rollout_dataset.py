"""Many environments that play recorded trajectories, while collectors are still writing more of them."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import torch

from st_rl.storage.rollout_files.base import DatasetStep, RolloutFileBase
from st_rl.storage.rollout_files.trajectory import Trajectory
from st_rl.utils.errors import UserError


class RolloutDataset(RolloutFileBase):
    """Each of N environments plays one trajectory after the other.

    A *loop* plays every file that is there when it begins (the latest ``keep_latest_n_trajs`` of them) once. Before
    each loop the folder is read again, so what collectors have written meanwhile takes part in the next one.
    Trajectories are loaded ``chunk_length`` steps at a time, in their compressed form.
    """

    def __init__(
        self,
        data_dir: Path | str,
        num_envs: int,
        *,
        dataset_loops: int = 1,
        shuffle: bool = True,
        keep_latest_n_trajs: int = 0,
        remove_older: bool = False,
        random_start_frame: bool = False,
        chunk_length: int = 64,
        wait_seconds: float = 0.0,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        """Nothing is loaded before the first step.

        Args:
            dataset_loops: how often the data is played; -1 is without end.
            shuffle: in a random order (of ``seed``), otherwise oldest first.
            keep_latest_n_trajs: use only that many of the newest files; 0 uses all.
            remove_older: delete the files that are no longer among the newest.
            random_start_frame: begin each trajectory at a random step.
            chunk_length: steps loaded at once.
            wait_seconds: how long to wait for the folder, and for its first trajectory.
        """
        super().__init__(data_dir, num_envs, device, wait_seconds)
        if dataset_loops == 0 or dataset_loops < -1 or keep_latest_n_trajs < 0 or chunk_length < 1:
            raise UserError(
                "dataset_loops must be positive or -1, keep_latest_n_trajs not negative, chunk_length positive"
            )
        self.dataset_loops, self.shuffle, self.random_start_frame = dataset_loops, shuffle, random_start_frame
        self.keep_latest_n_trajs, self.remove_older, self.chunk_length = keep_latest_n_trajs, remove_older, chunk_length
        self.generator = torch.Generator().manual_seed(seed)
        self.loops_begun = 0
        self._queue: deque[Path] = deque()
        self._playing: list[tuple[Trajectory, int] | None] = [None] * num_envs
        """Trajectory of each environment and the step up to which it has been loaded."""
        self._chunks = {
            name: torch.zeros(chunk_length, num_envs, *shape, dtype=dtype)
            for name, (dtype, shape) in self.metadata.arrays().items()
        }
        self._cursor = torch.zeros(num_envs, dtype=torch.int64)
        self._loaded = torch.zeros(num_envs, dtype=torch.int64)
        """(N,) steps of the chunk that are valid."""
        self._ends = torch.ones(num_envs, dtype=torch.bool)
        """(N,) whether the chunk is the last one of its trajectory."""
        self._worlds = torch.arange(num_envs)

    def next_step(self) -> DatasetStep | None:
        """The next step of every environment; ``None`` when the loops are over for one of them."""
        empty = self._cursor >= self._loaded
        if bool(empty.any()):
            for world in empty.nonzero().squeeze(1).tolist():
                if not self._load(world):
                    return None
        stored = {name: chunk[self._cursor, self._worlds].to(self.device) for name, chunk in self._chunks.items()}
        self._cursor += 1
        # Whatever ended the recording, the next step belongs to another trajectory.
        last = ((self._cursor == self._loaded) & self._ends).to(self.device)
        return DatasetStep(
            obs=self.metadata.assemble(stored),
            actions=stored["actions"],
            rewards=stored["rewards"],
            dones=stored["dones"] | last,
            time_outs=stored["time_outs"] | (last & ~stored["dones"]),
            critic_obs=stored.get("critic_obs"),
            fields={name: stored[name] for name in self.metadata.fields},
        )

    def _load(self, world: int) -> bool:
        """Fill the environment's chunk, from a new trajectory where the last one is over; whether there was one."""
        playing = self._playing[world]
        if playing is None or playing[1] >= playing[0].length:
            trajectory = self._next_trajectory()
            if trajectory is None:
                return False
            start = 0
            if self.random_start_frame:
                start = int(torch.randint(trajectory.length, (), generator=self.generator))
        else:
            trajectory, start = playing
        stop = min(start + self.chunk_length, trajectory.length)
        for name, values in trajectory.read(start, stop).items():
            self._chunks[name][: stop - start, world] = values
        self._playing[world] = (trajectory, stop)
        self._cursor[world], self._loaded[world] = 0, stop - start
        self._ends[world] = stop == trajectory.length
        return True

    def _next_trajectory(self) -> Trajectory | None:
        """The next file that can be read, beginning new loops as allowed."""
        begun = None
        while True:
            while self._queue:
                trajectory = self.open(self._queue.popleft())
                if trajectory is not None:
                    return trajectory
            # A loop without a single readable file would be followed by the same again.
            if self.loops_begun == self.dataset_loops or begun == self.loops_begun:
                return None
            if not self._begin_loop():
                return None
            begun = self.loops_begun

    def _begin_loop(self) -> bool:
        """Put the files of one loop into the queue; whether there are any."""
        if not self._wait_for(self.scan):
            return False
        paths = self.scan()
        if self.keep_latest_n_trajs:
            older, paths = paths[: -self.keep_latest_n_trajs], paths[-self.keep_latest_n_trajs :]
            if self.remove_older:
                for path in older:
                    path.unlink(missing_ok=True)
        if self.shuffle:
            paths = [paths[i] for i in torch.randperm(len(paths), generator=self.generator).tolist()]
        self._queue = deque(paths)
        self.loops_begun += 1
        return True
