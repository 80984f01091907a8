"""MuJoCo's batched engine on the CPU, its pictures and its window."""
