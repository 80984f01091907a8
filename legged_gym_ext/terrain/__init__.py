"""Terrain: the shape of the ground and of obstacles, as tensors, known to no engine."""
