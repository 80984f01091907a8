"""What lies between the simulated state and what a policy gets to see of it: cameras, noise, latency."""
