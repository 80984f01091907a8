"""A door to the command ``legged-list-policies``, for a checkout."""

import sys

from legged_gym_ext.cli.list_policies import command

sys.exit(command())
