"""A door to the command ``legged-collect``, for a checkout."""

import sys

from legged_gym_ext.cli.collect import command

sys.exit(command())
