"""Adaptations: what a tuning method returns, and the files that keep it."""
