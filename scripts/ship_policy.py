"""A door to the command ``legged-ship-policy``, for a checkout."""

import sys

from legged_gym_ext.cli.ship_policy import command

sys.exit(command())
