"""A door to the command ``legged-make-mutex``, for a checkout."""

import sys

from legged_gym_ext.cli.make_mutex import command

sys.exit(command())
