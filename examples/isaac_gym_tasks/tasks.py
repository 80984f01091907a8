"""Tasks for legged_gym with this suite's robots: importing this file registers ``go1_flat`` and ``a1_flat`` there."""

# pyright: reportMissingImports=false
# (legged_gym is installed by whoever wants to use this)
# ruff: noqa: RUF012
# (its settings are classes with lists and dictionaries)

from __future__ import annotations

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg, LeggedRobotCfgPPO
from legged_gym.utils.task_registry import task_registry
from robots import FOOT, LEGS, ROBOTS, TRUNK, Quadruped


def task_cfg(robot: Quadruped) -> LeggedRobotCfg:
    """Return the settings of walking on a plane: what differs from legged_gym's own."""

    class Cfg(LeggedRobotCfg):
        class env(LeggedRobotCfg.env):
            num_observations = 48

        class terrain(LeggedRobotCfg.terrain):
            mesh_type = "plane"
            measure_heights = False

        class init_state(LeggedRobotCfg.init_state):
            pos = [0.0, 0.0, robot.height + 0.05]
            default_joint_angles = robot.stance()

        class control(LeggedRobotCfg.control):
            control_type = "P"
            stiffness = {"joint": robot.stiffness}
            damping = {"joint": robot.damping}
            action_scale = 0.25
            decimation = 4

        class asset(LeggedRobotCfg.asset):
            file = str(robot.file)
            name = robot.name
            foot_name = FOOT
            penalize_contacts_on = list(LEGS)
            terminate_after_contacts_on = [TRUNK]
            self_collisions = 1  # a filter bit: no contacts of the robot with itself

        class rewards(LeggedRobotCfg.rewards):
            soft_dof_pos_limit = 0.9
            base_height_target = robot.height

            class scales(LeggedRobotCfg.rewards.scales):
                torques = -0.0002
                dof_pos_limits = -10.0

    return Cfg()


def train_cfg(robot: Quadruped) -> LeggedRobotCfgPPO:
    """Return the settings of training."""

    class Cfg(LeggedRobotCfgPPO):
        class policy(LeggedRobotCfgPPO.policy):
            actor_hidden_dims = [128, 64, 32]
            critic_hidden_dims = [128, 64, 32]

        class runner(LeggedRobotCfgPPO.runner):
            experiment_name = f"{robot.name}_flat"
            max_iterations = 500

    return Cfg()


for each in ROBOTS:
    task_registry.register(f"{each.name}_flat", LeggedRobot, task_cfg(each), train_cfg(each))
