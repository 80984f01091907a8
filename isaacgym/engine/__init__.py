"""What does the work behind the interface of ``isaacgym``: assets, terrain, worlds, tensors, cameras."""
