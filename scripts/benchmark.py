"""A door to the command ``legged-benchmark``, for a checkout."""

import sys

from legged_gym_ext.cli.benchmark import command

sys.exit(command())
