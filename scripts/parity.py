"""A door to the command ``legged-parity``, for a checkout."""

import sys

from legged_gym_ext.cli.parity import command

sys.exit(command())
