"""A door to the command ``legged-make-motions``, for a checkout."""

import sys

from legged_gym_ext.cli.make_motions import command

sys.exit(command())
