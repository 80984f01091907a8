"""How good a trained policy is."""
