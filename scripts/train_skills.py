"""A door to the command ``legged-train-skills``, for a checkout."""

import sys

from legged_gym_ext.cli.train_skills import command

sys.exit(command())
