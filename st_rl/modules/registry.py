"""The names by which configuration and run folders refer to policy classes.

``st_rl.modules`` fills the dictionary; it is a file of its own so that a policy made of other policies can look them
up without importing the package that imports it.
"""

from __future__ import annotations

from st_rl.utils.errors import UnknownNameError

POLICY_CLASSES: dict[str, type] = {}
"""Class name -> policy class."""


def get_policy_class(name: str) -> type:
    """The policy class of that name; ``UnknownNameError`` lists the known ones."""
    if name not in POLICY_CLASSES:
        raise UnknownNameError("policy class", name, sorted(POLICY_CLASSES))
    return POLICY_CLASSES[name]
