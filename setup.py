"""Packaging of the two libraries and their dependencies; what each dependency is for stands in README.md."""

from setuptools import find_packages, setup

setup(
    name="legged-gym-ext",
    version="0.1.0",
    description="Train, combine and evaluate locomotion skills of quadruped robots.",
    python_requires=">=3.11",
    packages=find_packages(include=["st_rl", "st_rl.*", "legged_gym_ext", "legged_gym_ext.*", "isaacgym*"]),
    install_requires=[
        "torch>=2.8",
        "numpy>=1.26",
        "tensorboardX>=2.6",
        "rsl-rl-lib>=5.0",
        "mujoco>=4.0",
        "tyro>=0.9",
        "av>=12",
    ],
    extras_require={
        "warp": ["mujoco-warp>=4.0"],
        "export": ["onnx>=1.16", "onnxscript>=0.2"],
        "dev": ["pytest>=8", "hypothesis>=6", "ruff>=0.9", "pyright>=1.1"],
    },
)
