"""The tasks in examples/isaac_gym_tasks fit the robots' files, and register in legged_gym."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from isaacgym.benchmark.walkers import Walkers, WalkersCfg

FOLDER = Path(__file__).parents[2] / "examples" / "isaac_gym_tasks"


class Settings:
    """Settings that tasks derive their own from, with the names that legged_gym's have."""

    class env:
        num_envs = 4096

    class terrain:
        mesh_type = "trimesh"

    class init_state:
        rot = (0.0, 0.0, 0.0, 1.0)

    class control:
        pass

    class asset:
        collapse_fixed_joints = True

    class rewards:
        class scales:
            tracking_lin_vel = 1.0

    class policy:
        pass

    class runner:
        pass


class Registry:
    """Keeps what is registered."""

    def __init__(self) -> None:
        self.tasks: dict[str, tuple[Any, Any]] = {}

    def register(self, name: str, env: type, cfg: Any, train: Any) -> None:
        self.tasks[name] = (cfg, train)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """What is registered when the example is imported where a package of legged_gym's layout is installed."""
    registry = Registry()
    contents = {
        "legged_gym": {},
        "legged_gym.envs": {},
        "legged_gym.envs.base": {},
        "legged_gym.envs.base.legged_robot": {"LeggedRobot": object},
        "legged_gym.envs.base.legged_robot_config": {"LeggedRobotCfg": Settings, "LeggedRobotCfgPPO": Settings},
        "legged_gym.utils": {},
        "legged_gym.utils.task_registry": {"task_registry": registry},
    }
    for name, values in contents.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("tasks", "robots"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    __import__("tasks")
    for name in ("tasks", "robots"):
        monkeypatch.delitem(sys.modules, name)
    return registry


@pytest.mark.parametrize("name", ["go1_flat", "a1_flat"])
def test_a_robot_stands_in_the_stance_of_its_task(registry: Registry, name: str) -> None:
    cfg, train = registry.tasks[name]
    start = cfg.init_state
    (stiffness,), (damping,) = cfg.control.stiffness.values(), cfg.control.damping.values()
    walkers = WalkersCfg(
        stance=start.default_joint_angles,
        height=start.pos[2],
        foot=cfg.asset.foot_name,
        stiffness=stiffness,
        damping=damping,
        num_threads=1,
    )
    env = Walkers(Path(cfg.asset.file), 2, walkers)
    assert sorted(start.default_joint_angles) == sorted(env.gym.get_actor_dof_names(env.sim.envs[0], 0))
    bodies = env.gym.get_actor_rigid_body_names(env.sim.envs[0], 0)
    assert len(env.feet) == 4 and bodies[0] in cfg.asset.terminate_after_contacts_on
    assert sum(any(part in body for part in cfg.asset.penalize_contacts_on) for body in bodies) == 8
    for _ in range(50):
        _, _, ended = env.step(torch.zeros(2, env.num_actions))
        assert not ended.any()
    # On four feet alone, a little lower than the stance, as the drives are soft.
    assert env.root_states[:, 2].tolist() == pytest.approx([cfg.rewards.base_height_target] * 2, abs=0.04)
    assert (env.contacts.norm(dim=-1) > 0.1).nonzero()[:, 1].unique().tolist() == env.feet
    assert train.runner.experiment_name == name
    env.close()
