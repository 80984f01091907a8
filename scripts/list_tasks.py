"""A door to ``legged-list tasks``, for a checkout."""

import sys

from legged_gym_ext.cli.list import command

sys.exit(command("tasks"))
