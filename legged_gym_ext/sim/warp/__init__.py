"""MuJoCo Warp, for NVIDIA GPUs."""
