"""A door to the command ``legged-runs``, for a checkout."""

import sys

from legged_gym_ext.cli.runs import command

sys.exit(command())
