"""Offline reinforcement learning: policies learned from a store, without playing."""
