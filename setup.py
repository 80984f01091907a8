"""Builds the wheel; everything that is not about files stands in pyproject.toml."""

from setuptools import find_packages, setup

PACKAGES = ["st_rl", "legged_gym_ext", "isaacgym"]

setup(
    packages=[
        *find_packages(include=[pattern for name in PACKAGES for pattern in (name, f"{name}.*")]),
        # Robots and trained policies lie beside the packages in a checkout and inside one where it is installed.
        "legged_gym_ext.resources",
    ],
    package_dir={"legged_gym_ext.resources": "resources"},
    package_data={
        "legged_gym_ext.resources": ["robots/*/*", "policies/*/*", "motions/*/*"],
        "legged_gym_ext": ["py.typed"],
        "legged_gym_ext.pipeline": ["*.html"],
        "st_rl": ["py.typed"],
        "isaacgym": ["py.typed"],
    },
)
