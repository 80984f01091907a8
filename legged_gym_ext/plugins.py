"""Packages of others that bring robots and tasks: found by their entry points, loaded once, when they are first needed.

A package names a function without arguments, which registers what it has, in its ``pyproject.toml``::

    [project.entry-points."legged_gym_ext.plugins"]
    mini_dog = "mini_dog:register"
"""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint, entry_points

logger = logging.getLogger(__name__)

GROUP = "legged_gym_ext.plugins"
"""The group of entry points."""


class Plugins:
    """Loads the plugins of ``GROUP`` at most once."""

    def __init__(self) -> None:
        self._asked_for = False
        self.broken: list[str] = []
        """Names of the plugins that could not be loaded."""

    def load(self) -> None:
        """Let every plugin register what it has, the first time this is called.

        A plugin that fails is reported as a warning of one sentence and otherwise left out.
        """
        if self._asked_for:
            return
        # Set before: a plugin looks up robots and tasks itself, which leads here again.
        self._asked_for = True
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
            self._load(entry)

    def _load(self, entry: EntryPoint) -> None:
        try:
            register = entry.load()
            if callable(register):
                register()
        # Whatever is wrong with somebody else's package must not stop the commands that do not need it.
        except (Exception, SystemExit) as error:
            self.broken.append(entry.name)
            package = f" of the package {entry.dist.name}" if entry.dist is not None else ""
            reason = " ".join(str(error).split()) or "no reason given"
            logger.warning(
                "the plugin '%s'%s (%s) does not load, so its robots and tasks are missing: %s: %s",
                entry.name,
                package,
                entry.value,
                type(error).__name__,
                reason,
            )


PLUGINS = Plugins()
"""The plugins of this process."""


def load_plugins() -> None:
    """Load the plugins that are installed, unless that has been done."""
    PLUGINS.load()
