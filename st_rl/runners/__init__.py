"""Loops that train a policy in an environment and keep what comes of it in a run folder."""

from st_rl.runners.on_policy_runner import OnPolicyRunner

__all__ = ["OnPolicyRunner"]
