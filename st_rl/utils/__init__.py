"""Helpers that the learning library shares: observation layouts, padding, run folders, export."""
