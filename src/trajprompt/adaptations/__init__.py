"""Adaptations: the return values of tuning methods, and their files."""
