"""Reinforcement learning for segmented observations: policies, algorithms, storage and runners."""
