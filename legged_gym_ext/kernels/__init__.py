"""Loops over worlds, compiled for the CPU: what every control step costs, in one pass a world.

Each does what a function of tensors does elsewhere in the package, which GPUs use and tests compare with. Everything
here knows arrays and numbers only. The files that begin with an import of ``compiler`` need numba; ``available`` says
whether it is there, and is to be asked before any of them is imported.
"""
