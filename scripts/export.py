"""A door to the command ``legged-export``, for a checkout."""

import sys

from legged_gym_ext.cli.export import command

sys.exit(command())
