"""A door to the command ``legged-pictures``, for a checkout."""

import sys

from legged_gym_ext.cli.pictures import command

sys.exit(command())
