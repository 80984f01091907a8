"""A door to the command ``legged-train``, for a checkout."""

import sys

from legged_gym_ext.cli.train import command

sys.exit(command())
