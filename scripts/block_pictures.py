"""A door to the command ``legged-block-pictures``, for a checkout."""

import sys

from legged_gym_ext.cli.block_pictures import command

sys.exit(command())
