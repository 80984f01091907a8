"""Registered tasks; see registry.py."""
