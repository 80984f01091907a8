"""Robots as data, and the MJCF, URDF and kinematics made from it."""
