"""A door to the command ``legged-evaluate``, for a checkout."""

import sys

from legged_gym_ext.cli.evaluate import command

sys.exit(command())
