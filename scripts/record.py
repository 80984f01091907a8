"""A door to the command ``legged-record``, for a checkout."""

import sys

from legged_gym_ext.cli.record import command

sys.exit(command())
