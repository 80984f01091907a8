"""Simulated tasks for quadruped robots: simulators, robots, terrain, sensors and environments."""
