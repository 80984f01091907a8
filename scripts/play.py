"""A door to the command ``legged-play``, for a checkout."""

import sys

from legged_gym_ext.cli.play import command

sys.exit(command())
