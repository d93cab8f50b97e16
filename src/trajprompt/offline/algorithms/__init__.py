"""Algorithms of offline reinforcement learning, one per file."""
