"""Makes this folder's helper modules importable from the tests below it."""
