"""A door to the command ``legged-gpu-report``, for a checkout."""

import sys

from legged_gym_ext.cli.gpu_report import command

sys.exit(command())
