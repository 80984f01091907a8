"""A door to the command ``legged-doctor``, for a checkout."""

import sys

from legged_gym_ext.cli.doctor import command

sys.exit(command())
