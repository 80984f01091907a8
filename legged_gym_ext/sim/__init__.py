"""Simulators behind one contract; see interface.py."""
