"""The names by which configuration and run folders refer to policy classes.

``st_rl.modules`` fills it; it is a file of its own so that a policy made of other policies can look them
up without importing the package that imports it.
"""

from __future__ import annotations

from typing import Any

from st_rl.utils.registry import Registry

POLICY_CLASSES: Registry[type[Any]] = Registry("policy class")
"""Class name -> policy class."""


def get_policy_class(name: str) -> type[Any]:
    """The policy class of that name; ``UnknownNameError`` lists the known ones."""
    return POLICY_CLASSES[name]
