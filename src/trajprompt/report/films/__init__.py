"""Rollouts side by side, filmed."""
