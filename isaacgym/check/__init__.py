"""What of the Isaac Gym interface somebody's code uses, and how this implementation answers."""
