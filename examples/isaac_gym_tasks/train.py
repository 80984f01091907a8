"""Train one of the tasks with legged_gym; every argument of its own train.py works here too.

python train.py --task go1_flat --headless --sim_device cpu --rl_device cpu --num_envs 512
"""

# pyright: reportMissingImports=false
# (legged_gym is installed by whoever wants to use this)

import tasks
from legged_gym.utils import get_args

import isaacgym  # noqa: F401  (legged_gym wants it before torch)

if __name__ == "__main__":
    arguments = get_args()
    registry = tasks.task_registry
    env, _ = registry.make_env(name=arguments.task, args=arguments)
    runner, settings = registry.make_alg_runner(env=env, name=arguments.task, args=arguments)
    runner.learn(num_learning_iterations=settings.runner.max_iterations, init_at_random_ep_len=True)
