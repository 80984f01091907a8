"""How good a trained policy is: figures and videos."""
