"""A door to the command ``legged-list-tasks``, for a checkout."""

import sys

from legged_gym_ext.cli.list_tasks import command

sys.exit(command())
